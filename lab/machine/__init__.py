"""The lab's virtual machine: image, layers, one run, one command.

Standard library only, so that it runs from a checkout on any Debian 12 or 13.
"""
