# What differs from cluster to cluster, read by the .slurm scripts beside this
# file: edit it once. Nothing of it has been tried on a cluster.

# Modules with Python, MPI and (for parallel files) HDF5; names differ.
#module load python openmpi hdf5

# The environment that dsim is installed in, see docs/install.md.
if [ -f dsim-env/bin/activate ]; then
    . dsim-env/bin/activate
elif [ -f .venv/dsim.env ]; then
    . .venv/dsim.env
fi

# How srun speaks to the MPI: --mpi=pmix (Open MPI) or --mpi=pmi2 (MPICH), and
# one core for each rank.
DSIM_SRUN=${DSIM_SRUN:-srun --mpi=pmix --cpu-bind=cores}

# One thread for each rank, whatever numpy's libraries think
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
