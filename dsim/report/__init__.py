"""What is drawn from the folder of a run; reads files only, needs no MPI.

``page.write(folder)`` makes ``report.html``; each figure of it has a file
here with the numbers behind it as functions of arrays.  Nothing is imported
here, so that the numbers can be had without loading matplotlib.
"""
