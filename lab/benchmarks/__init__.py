"""What eswitch costs beside the kernel's own time: the parts of `lab/bench`."""
