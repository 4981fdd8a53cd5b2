//! Nodes and weights of Gauss–Legendre rules on [−1, 1]: ∫ f dx = Σ w_i f(x_i), exact for polynomials of degree 2n − 1
//! (M. Abramowitz & I. A. Stegun 1964, table 25.4).

/// The rule with 4 points, nodes increasing.
pub const GAUSS_4: [(f64, f64); 4] = [
    (-0.861_136_311_594_052_6, 0.347_854_845_137_453_85),
    (-0.339_981_043_584_856_26, 0.652_145_154_862_546_1),
    (0.339_981_043_584_856_26, 0.652_145_154_862_546_1),
    (0.861_136_311_594_052_6, 0.347_854_845_137_453_85),
];

/// The positive nodes of the rule with 8 points; the negative ones have the same weights.
pub const GAUSS_8_POSITIVE: [(f64, f64); 4] = [
    (0.183_434_642_495_649_8, 0.362_683_783_378_362),
    (0.525_532_409_916_329, 0.313_706_645_877_887_3),
    (0.796_666_477_413_626_7, 0.222_381_034_453_374_47),
    (0.960_289_856_497_536_3, 0.101_228_536_290_376_26),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomials_are_integrated_exactly() {
        let four = |f: fn(f64) -> f64| GAUSS_4.iter().map(|&(x, w)| w * f(x)).sum::<f64>();
        let eight = |f: fn(f64) -> f64| GAUSS_8_POSITIVE.iter().map(|&(x, w)| w * (f(x) + f(-x))).sum::<f64>();
        assert!((four(|x| 1.0 + x.powi(6) + x.powi(7)) - (2.0 + 2.0 / 7.0)).abs() < 1e-15);
        assert!((eight(|x| 1.0 + x.powi(14) + x.powi(15)) - (2.0 + 2.0 / 15.0)).abs() < 1e-15);
    }
}
