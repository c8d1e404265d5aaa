"""What the verbs print, as lines: values in, lines out. Pure."""
