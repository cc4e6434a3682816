"""Motion as arrays, and nothing else.  numpy and the standard library only."""
