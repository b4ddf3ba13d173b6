"""Snapshots and studies as HTML for the panes: no widget here, and nothing that needs a browser or a server.

Worker processes import this package and not the panes, which need NiceGUI.
"""
