"""What a trained model says of a person's own pictures, rasters and videos."""

from scanlab.predict.boxes import BoxesOfPicture, detect_picture
from scanlab.predict.lines import PreparedLines, TextOfPicture, prepared_lines, read_texts
from scanlab.predict.live import Frame, Frames, LiveResult, live_results
from scanlab.predict.names import with_class_names
from scanlab.predict.pictures import ClassOfPicture, MaskOfPicture, predict_picture

__all__ = [
    "BoxesOfPicture",
    "ClassOfPicture",
    "Frame",
    "Frames",
    "LiveResult",
    "MaskOfPicture",
    "PreparedLines",
    "TextOfPicture",
    "detect_picture",
    "live_results",
    "predict_picture",
    "prepared_lines",
    "read_texts",
    "with_class_names",
]
