"""Pictures of paths: terminal, SVG, PNG, GIF and an interactive page, all drawn from the same scenes."""

from scanlab.view.scene import PathScene, scene_of, scenes_of

__all__ = ["PathScene", "scene_of", "scenes_of"]
