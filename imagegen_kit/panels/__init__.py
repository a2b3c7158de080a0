"""Panels that a researcher works in: each a static copy that stays in the notebook, and a widget over it.

Thin: what a panel knows is asked of the run, the library or the journal, and ``table()`` and ``value`` give it back as
DataFrames. Forms are ipywidgets; pictures are anywidget views (js/ and css/), which get thumbnails as bytes when they
come into sight. Both are imported when a panel is shown, never before.
"""
