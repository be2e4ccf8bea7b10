"""What lies on disk: arrays in, files out, nothing of the engine.

Functions are handed a communicator, they never fetch one.  Nothing is
imported here, so that reading a model file does not load HDF5 (which may
start MPI): take ``dsim.io.files``, ``dsim.io.sonata``, ``dsim.io.frames``
and so on by their names.
"""
