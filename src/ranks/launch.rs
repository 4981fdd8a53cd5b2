//! Whether mpirun or srun started this process as one of several: they tell by variables of the environment.

use std::env::var;

/// Variables with the number of a process and with how many there are: Open MPI; MPICH, Intel MPI and srun with PMI; srun with PMIx.
const VARIABLES: [[&str; 2]; 3] =
    [["OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"], ["PMI_RANK", "PMI_SIZE"], ["PMIX_RANK", "SLURM_STEP_NUM_TASKS"]];
/// Set for children of this program, which read a file for it.
pub const CHILD: &str = "FPSOLVE_CHILD";

/// Number of this process and how many there are; None for one that nobody launched so, or that this program itself started.
pub fn told() -> Option<[usize; 2]> {
    if std::env::var_os(CHILD).is_some() {
        return None;
    }
    let number = |name: &str| var(name).ok()?.parse().ok();
    VARIABLES.iter().find_map(|&[rank, size]| Some([number(rank)?, number(size)?]))
}

/// Whether this process speaks for all.
pub fn is_first() -> bool {
    told().is_none_or(|[rank, _]| rank == 0)
}
