"""What eswitch has on disk: its paths, and how what stands in such files is written and edited.

Pure, and it imports nothing of ours: the files themselves are read and written through the door.
"""
