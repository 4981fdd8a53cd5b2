//! The mathematics of fpsolve: one problem, three engines.
//!
//! With the drift b(θ), the diffusion matrix D(θ) and the temperature T the stochastic differential equation is (Itô)
//!
//! ```text
//! dθ = b(θ) dt + √(2T) S(θ) dW,   S Sᵀ = D,        b = −∇L for plain stochastic gradient descent,
//! ```
//!
//! and its Fokker–Planck equation for the density ρ(θ, t)
//!
//! ```text
//! ∂ρ/∂t = ∇·( −b ρ + ∇·(A ρ) ) = −∇·J,   A = T·D,   J = b ρ − ∇·(A ρ),   (∇·A)_i = Σ_j ∂_j A_ij.
//! ```
//!
//! One SGD step θ' = θ − η ĝ with batches of B samples lasts dt = η, and **T = η/(2B)** with D the covariance of the
//! per-sample gradients (divisor m). The older notation β = η/B is twice this temperature.
//!
//! Engines: [`fokker_planck`] (finite volumes on a grid), [`langevin`] (an ensemble of the SDE), [`sgd`] (minibatch
//! descent itself). They know neither files nor each other.
//!
//! # Layers
//!
//! Each imports only what stands above it in this list:
//!
//! ```text
//! numerics                                   lanes, random numbers, small matrices, differences
//! formula                                    text → expression → derivatives → program
//! model                                      L(θ), per-sample losses and gradients
//! problem                                    b, D, T, grid, ρ₀, output times
//! gradient_noise   diffusion   dynamics      D(θ) and its parts; drift and diffusion of a loss with a noise
//! landscape        escape        traces      minima and saddles; first passages, Kramers' law; coefficients from trajectories
//! engine           ensemble                  what engines have in common; walkers
//! fokker_planck    langevin    sgd           the engines
//! ```
//!
//! Points come in batches everywhere, coordinate-major: θ_k of point i is `points[k·n + i]`. Fields on the grid are slices in the
//! order of the cells; [`problem::grid::Grid::view`] shows them as `ndarray` arrays over the axes.

pub mod diffusion;
pub mod dynamics;
pub mod engine;
pub mod ensemble;
pub mod error;
pub mod escape;
pub mod fault;
pub mod fokker_planck;
pub mod formula;
pub mod gradient_noise;
pub mod landscape;
pub mod langevin;
pub mod model;
pub mod numerics;
pub mod problem;
pub mod sgd;
pub mod splitting;
pub mod traces;
pub mod transfer_operator;

pub use error::Error;
