//! The edge generator: monotone, conservative finite volumes for ∂ρ/∂t = ∇·(−b ρ + ∇·(A ρ)), A = T·D, by exponential
//! fitting on the edges of Selling's decomposition.
//!
//! With b̃ = b − ∇·A the equation reads ∂ρ/∂t = ∇·(−b̃ ρ + A ∇ρ). At each cell A_ij/(h_i h_j) = Σ_e λ_e e eᵀ with integer
//! offsets e and λ_e ≥ 0; the edge {x, y = x + e} carries
//!
//! ```text
//! K(x → y) = λ B(−p),   K(y → x) = λ B(p),   p = ∫_x^y A⁻¹ b̃ · dℓ,   λ = ½(λ_e(x) + λ_e(y)),
//! ```
//!
//! up to a common factor of both rates that makes transients right (see [`weight`]).
//!
//! Claims: rates ≥ 0, probability conserved by construction; a reversible problem keeps its density exp(∫A⁻¹b̃) at the cell
//! centres (up to the quadrature of p); second order elsewhere. Where the cell Péclet number |p| is large and the problem is
//! not reversible it becomes a diffusive first-order scheme: see `peclet`.

//!
//! * [`assembly`]: the generator from its edges; `diagonal`, `tensor`: edges of a diagonal and of a full D;
//! * [`weight`], `exponent`, `local_slope`: the two rates of an edge, p along an edge, A⁻¹b̃ at a point where A may be singular;
//! * `vanishing_noise`: axes at whose walls A vanishes, by the exact weight of their cells;
//! * `loss_difference`, `cell_weight`: exponents, conductances and weights of cells where the loss has kinks, jumps, or detail between
//!   cell centres;
//! * `jump`: exponents of edges across which A jumps, as D does at a kink of the samples' losses;
//! * `connectivity`: cells that long offsets cut off at walls;
//! * [`first_passage`]: the generator without the cells of a set;
//! * [`discretisation`]: the generator as a [`Discretisation`](super::discretisation::Discretisation).

pub mod assembly;
pub(crate) mod cell_weight;
pub(crate) mod connectivity;
pub(crate) mod diagonal;
pub mod discretisation;
pub(crate) mod exponent;
pub mod first_passage;
pub(crate) mod jump;
#[cfg(test)]
mod kink_tests;
pub(crate) mod local_slope;
pub(crate) mod loss_difference;
pub(crate) mod tensor;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod vanishing_noise;
pub mod weight;

pub use assembly::{EdgeGenerator, edge_generator, edge_generator_within};
