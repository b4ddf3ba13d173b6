"""A page that holds nothing but the player, and calls its methods on events; run with a port."""

import sys

from nicegui import app, ui
from nicegui.events import GenericEventArguments

import scanlab
from scanlab.explorer.player_element import Player, serve_player
from scanlab.view.scene import scenes_of

DOT = "data:image/gif;base64,R0lGODlhAQABAIAAAP8AAP8AACH5BAAAAAAALAAAAAABAAEAAAICRAEAOw=="


@ui.page("/")
async def index() -> None:
    """Show a snake at once, before the browser is there."""
    ui.add_head_html('<link rel="stylesheet" href="/scanlab/player.css">')
    heard = ui.label("nothing").classes("heard")
    player = Player(lambda step: heard.set_text(f"step {step}"), lambda name: heard.set_text(f"colour {name}"))
    acts = {
        "show": lambda: player.show(scenes_of(scanlab.compile("cross", (4, 6)))),
        "go": lambda: player.go_to(7),
        "play": lambda: player.set_playing(True),
        "colour": lambda: player.colour_by("path"),
        "counter": lambda: player.counterexample((2, 2), ((0, 1), (1, 0)), "two patches share a key"),
        "clear": player.clear_counterexample,
        "image": lambda: player.image(DOT),
        "no image": lambda: player.image(None),
        "focus": player.focus,
        "away": player.delete,
    }
    for name, act in acts.items():
        ui.on(f"act-{name}", _calls(act))
    player.show(scenes_of(scanlab.compile("snake", (5, 5))))


def _calls(act):
    def heard(_: GenericEventArguments) -> None:
        act()

    return heard


serve_player()
app.on_startup(lambda: print("ready", flush=True))
ui.run(host="127.0.0.1", port=int(sys.argv[1]), show=False, reload=False, show_welcome_message=False)
