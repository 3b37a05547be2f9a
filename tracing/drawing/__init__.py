"""Pure geometry of a cascade: attributes of an SVG; the timeline in per cent across."""

from tracing.drawing.axis import Axis
from tracing.drawing.graph import GraphDrawing, draw_graph
from tracing.drawing.timeline import Timeline, draw

__all__ = ["Axis", "GraphDrawing", "Timeline", "draw", "draw_graph"]
