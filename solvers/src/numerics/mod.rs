//! Numerical building blocks without a physical meaning: one of each, and nothing above them is imported here.
//!
//! | file | holds |
//! |---|---|
//! | `lanes/` | exp, ln, tanh, erf, … as branch-free functions, and the dispatch to AVX2 and AVX-512: the same bits on every level |
//! | `random/` | streams by seed, purpose and index, eight xoshiro256++ generators side by side (D. Blackman & S. Vigna 2021, doi:10.1145/3460772) |
//! | `aligned.rs` | arrays that start at a cache line |
//! | `symmetric.rs` | packed symmetric d×d matrices, d ≤ 3: `[00, 01, …, 11, …]`, component c of point i at `[c·n + i]` |
//! | `small_matrix.rs` | A = V Λ Vᵀ and condition numbers by Jacobi's rotations |
//! | `vector.rs` | a · b of short vectors |
//! | `elimination.rs` | A x = b and det A of a few equations |
//! | `difference.rs` | f' by central differences of fourth order |
//! | `quadrature.rs` | Gauss–Legendre rules |
//! | `cubature.rs` | integrals over boxes, halved where that changes them |
//! | `richardson.rs` | errors and orders from the same numbers on grids of h, 2h, 4h |
//! | `krylov.rs` | A V_k = V_{k+1} H_k, Arnoldi's recursion with a weighted inner product |
//! | `bernoulli.rs` | B(p) = p/(eᵖ − 1), the weight of exponential fitting |

pub(crate) mod aligned;
pub mod bernoulli;
pub mod cubature;
pub mod difference;
pub(crate) mod elimination;
pub(crate) mod krylov;
pub mod lanes;
pub mod quadrature;
pub mod random;
pub mod richardson;
pub mod small_matrix;
pub mod symmetric;
pub(crate) mod vector;
