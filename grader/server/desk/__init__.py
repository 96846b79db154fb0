"""Where submissions are taken, judged, and judged anew."""
