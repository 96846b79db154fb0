"""From a tree to a posted submission: compute its answers, and send them."""
