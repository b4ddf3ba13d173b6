"""What a trained model says of a person's own pictures, rasters and videos."""

from scanlab.predict.live import Frame, Frames, LiveResult, live_results
from scanlab.predict.names import with_class_names
from scanlab.predict.pictures import ClassOfPicture, MaskOfPicture, predict_picture

__all__ = [
    "ClassOfPicture",
    "Frame",
    "Frames",
    "LiveResult",
    "MaskOfPicture",
    "live_results",
    "predict_picture",
    "with_class_names",
]
