"""A live run: what drives the pipeline for hours, and what people may change meanwhile."""
