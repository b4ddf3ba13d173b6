"""Images with boxes: COCO's, Pascal VOC's and YOLO's files, and boxes around the objects that masks number."""
