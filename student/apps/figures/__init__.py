"""The notebook's figures: plain SVG drawn from NumPy arrays. All given: there is nothing to write here.

`svg` is the vocabulary they share, `stepper` shows a sequence of drawings with a slider.
Nothing here computes with needle: a figure shows what an operation does, not how it is written.
"""
