#![allow(clippy::unwrap_used)]
use super::*;
use crate::fokker_planck::edges::edge_generator;
use crate::fokker_planck::options::FokkerPlanckOptions;
use crate::fokker_planck::testing::fixtures::double_well_committor;
use crate::formula::{Symbols, parse};
use crate::numerics::symmetric::packed_index;
use crate::problem::dynamics::Dynamics;

/// b = (x − x³, −y, −z), or −θ without the well; D = 1.
struct Quartic {
    d: usize,
    well: bool,
}

impl Dynamics for Quartic {
    fn dimension(&self) -> usize {
        self.d
    }
    fn drift_diffusion(&self, points: &[f64], drift: &mut [f64], diffusion: &mut [f64]) {
        let n = points.len() / self.d;
        diffusion.fill(0.0);
        for (i, &x) in points.iter().enumerate() {
            drift[i] = if self.well && i < n { x - x.powi(3) } else { -x };
            diffusion[packed_index(self.d, i / n, i / n) * n + i % n] = 1.0;
        }
    }
}

fn target(text: &str, d: usize) -> Target {
    Target::new(text, &parse(text, &Symbols::new(&["x", "y", "z"][..d])).unwrap(), d)
}

fn grid(d: usize, half: f64, cells: usize, walls: [Boundary; 2]) -> Grid {
    let names = ["x", "y", "z"];
    Grid::new((0..d).map(|k| Axis::uniform(names[k], -half, half, cells, walls).unwrap()).collect()).unwrap()
}

struct Ask<'a> {
    well: bool,
    temperature: f64,
    from: &'a [f64],
    set: &'a str,
    avoid: Option<&'a str>,
    times: &'a [f64],
}

const WELL: Ask = Ask { well: true, temperature: 0.1, from: &[-1.0], set: "x > 0", avoid: None, times: &[0.0] };

fn ask(grid: &Grid, ask: &Ask) -> Result<GridPassage, Error> {
    let d = grid.dimension();
    let generator = edge_generator(&Quartic { d, well: ask.well }, ask.temperature, grid).unwrap().generator;
    let (target, avoid) = (target(ask.set, d), ask.avoid.map(|text| target(text, d)));
    let problem = PassageProblem { from: ask.from, target: &target, avoid: avoid.as_ref(), times: ask.times };
    let options = FokkerPlanckOptions { tolerance: 1e-9, ..Default::default() };
    first_passage(&generator, grid, None, &problem, options.integrator(), &|| false)
}

const REFLECTING: [Boundary; 2] = [Boundary::Reflecting; 2];

#[test]
fn mean_times_of_the_double_well_come_at_second_order_wherever_the_surface_lies_in_its_cell() {
    // B03 at T = 0.1, 15 digits; 2.437 puts x = 1 and the start anywhere in their cells
    let cases = [
        ("x > 0", 2.5, 30.8213024726657, 5.205e-4),
        ("x > 1", 2.5, 66.2686263649179, 1.26e-3),
        ("x > 1", 2.437, 66.2686263649179, 1.20e-3),
    ];
    for (set, half, exact, level) in cases {
        let error = |&cells: &usize| {
            let found = ask(&grid(1, half, cells, REFLECTING), &Ask { set, ..WELL }).unwrap();
            assert!(found.committor.is_none());
            (found.from_value - exact).abs()
        };
        let errors: Vec<f64> = [100, 200, 400].iter().map(error).collect();
        let order = (errors[1] / errors[2]).log2();
        assert!((1.8..2.2).contains(&order), "{set} {half}: {order} {errors:?}");
        assert!((errors[2] / level - 1.0).abs() < 0.05, "{set} {half}: {errors:?}");
    }
    // an odd number of cells puts x = 0 on a centre
    let centred = ask(&grid(1, 2.4875, 399, REFLECTING), &WELL).unwrap();
    assert!((centred.from_value - 30.8213024726657).abs() < 7.5e-4, "{}", centred.from_value);
}

#[test]
fn an_oblique_surface_is_second_order_too() {
    // the projection of a two-dimensional Ornstein–Uhlenbeck process on (1, 1)/√2 is a one-dimensional one
    let line = Ask { well: false, temperature: 0.25, from: &[-0.2], set: "x > 0.7", ..WELL };
    let exact = ask(&grid(1, 3.0, 6000, REFLECTING), &line).unwrap().from_value;
    let from = [-0.1 * 2f64.sqrt(), -0.1 * 2f64.sqrt()];
    let set = "x + y > 0.7*sqrt(2)";
    let error = |&cells: &usize| {
        let plane = Ask { from: &from, set, ..line };
        (ask(&grid(2, 2.6, cells, REFLECTING), &plane).unwrap().from_value - exact).abs() / exact
    };
    let errors: Vec<f64> = [24, 48, 96].iter().map(error).collect();
    assert!((errors[1] / errors[2]).log2() > 1.7, "{errors:?}");
    assert!(errors[2] < 3e-4, "{errors:?}");
}

#[test]
fn committors_agree_with_their_integral_and_see_absorbing_walls() {
    let exact = double_well_committor();
    let passage = Ask { from: &[0.21], set: "x > 1.1", avoid: Some("x < -0.9"), ..WELL };
    let error =
        |cells| (ask(&grid(1, 2.5, cells, REFLECTING), &passage).unwrap().from_committor.unwrap() - exact).abs();
    let (coarse, fine) = (error(150), error(300));
    assert!(fine < 2e-4 && (coarse / fine).log2() > 1.6, "{coarse:e} {fine:e}");
    // an absorbing wall at −0.9 is the same as a set that is avoided
    let axis = Axis::uniform("x", -0.9, 2.5, 300, [Boundary::Absorbing, Boundary::Reflecting]).unwrap();
    let walled = ask(&Grid::new(vec![axis]).unwrap(), &Ask { avoid: None, ..passage }).unwrap();
    assert!((walled.from_committor.unwrap() - exact).abs() < 2e-4);
    let field = walled.committor.unwrap();
    assert!(field.windows(2).all(|w| w[0] <= w[1]) && field[0] < 1e-3 && field[299] == 1.0);
}

#[test]
fn the_survival_integrates_to_the_mean_time_in_one_and_two_dimensions() {
    // ∫ S dt by the trapezoidal rule on times that grow by 3 %, from 1e-3 to 20 mean times
    let mut times = vec![0.0, 1e-3];
    while times[times.len() - 1] < 620.0 {
        times.push(1.03 * times[times.len() - 1]);
    }
    let passage = Ask { times: &times, ..WELL };
    let line = ask(&grid(1, 2.2, 110, REFLECTING), &passage).unwrap();
    let integral: f64 =
        times.windows(2).zip(line.survival.windows(2)).map(|(t, s)| (t[1] - t[0]) * 0.5 * (s[0] + s[1])).sum();
    assert!((integral / line.from_value - 1.0).abs() < 2e-4, "{integral} {}", line.from_value);
    assert_eq!(line.survival[0], 1.0);
    assert!(line.survival.windows(2).all(|s| s[1] <= s[0]) && line.error_time < 1e-8);
    // the second variable has nothing to do with it
    let axes =
        [("x", 2.2, 110), ("y", 1.6, 12)].map(|(v, half, n)| Axis::uniform(v, -half, half, n, REFLECTING).unwrap());
    let plane = ask(&Grid::new(axes.to_vec()).unwrap(), &Ask { from: &[-1.0, 0.3], ..passage }).unwrap();
    assert!((plane.from_value / line.from_value - 1.0).abs() < 1e-9);
    let worst = plane.survival.iter().zip(&line.survival).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(worst < 1e-8, "{worst:e}");
}

#[test]
fn deep_wells_keep_their_digits_and_what_has_no_answer_is_named() {
    // Kramers' law is right to O(T): at T = 0.004 the mean time is 1e27
    let found = ask(&grid(1, 1.6, 1600, REFLECTING), &Ask { temperature: 0.004, set: "x > 1", ..WELL }).unwrap();
    let kramers = 2f64.sqrt() * std::f64::consts::PI * (0.25f64 / 0.004).exp();
    assert!(found.from_value > kramers && found.from_value < 1.02 * kramers, "{:e} {kramers:e}", found.from_value);
    let far = ask(&grid(1, 1.6, 800, REFLECTING), &Ask { temperature: 1e-4, set: "x > 1", ..WELL }).unwrap_err();
    assert!(far.to_string().contains("beyond the largest floating-point number"), "{far}");
    let small = ask(&grid(1, 1.6, 16, REFLECTING), &Ask { set: "abs(x - 0.52) < 0.001", ..WELL }).unwrap_err();
    assert!(small.to_string().contains("covers no cell of a grid of [16] cells"), "{small}");
    let mut builder = GeneratorBuilder::new(4);
    builder.add_edge(0, 1, 1.0, 1.0);
    builder.add_edge(2, 3, 1.0, 1.0);
    let target = target("x > 0.6", 1);
    let problem = PassageProblem { from: &[-0.9], target: &target, avoid: None, times: &[0.0] };
    let grid = grid(1, 1.0, 4, REFLECTING);
    let stuck =
        first_passage(&builder.finish(), &grid, None, &problem, FokkerPlanckOptions::default().integrator(), &|| false)
            .unwrap_err();
    assert!(stuck.to_string().contains("2 cells have no way to the target, the first at [-0.75]"), "{stuck}");
}

/// b = ½, D = 1.
struct Constant;

impl Dynamics for Constant {
    fn dimension(&self) -> usize {
        1
    }
    fn drift_diffusion(&self, points: &[f64], drift: &mut [f64], diffusion: &mut [f64]) {
        drift[..points.len()].fill(0.5);
        diffusion[..points.len()].fill(1.0);
    }
}

#[test]
fn a_decision_has_a_time_to_either_side_and_one_given_the_side() {
    // drift ½, T = ½, from 0.15 between 0 and 0.4975: exit after 0.05360, through the upper end with probability 0.355381, then after 0.07467
    let walls = [Boundary::Absorbing, Boundary::Reflecting];
    let walls = Grid::new(vec![Axis::uniform("x", 0.0, 0.5, 200, walls).unwrap()]).unwrap();
    let wide = Axis::uniform("x", -0.1, 0.6, 280, REFLECTING).unwrap();
    let sets = Grid::new(vec![wide]).unwrap();
    for (grid, to, avoid) in [(walls, "x > 0.4975", None), (sets, "x > 0.4975", Some("x < 0"))] {
        let generator = edge_generator(&Constant, 0.5, &grid).unwrap().generator;
        let (to, avoid) = (target(to, 1), avoid.map(|text| target(text, 1)));
        let problem = PassageProblem { from: &[0.15], target: &to, avoid: avoid.as_ref(), times: &[0.0] };
        let options = FokkerPlanckOptions::default();
        let close = |a: f64, b: f64| (a / b - 1.0).abs() < 1e-3;
        let Ok(found) = first_passage(&generator, &grid, None, &problem, options.integrator(), &|| false) else {
            panic!("no passage on {grid:?}")
        };
        let exit = found.from_exit.map_or(found.from_value, |exit| exit.value);
        assert!(close(exit, 0.05360), "{exit}");
        assert!(close(found.from_committor.unwrap(), 0.355381), "{:?}", found.from_committor);
        assert!(close(found.from_conditional.unwrap().value, 0.07467), "{:?}", found.from_conditional);
        assert_eq!(found.from_exit.is_some(), avoid.is_some());
        for wall in &found.absorbed {
            assert!(!wall.upper && close(wall.probability, 1.0 - 0.355381), "{wall:?}");
        }
        assert_eq!(found.absorbed.len(), usize::from(avoid.is_none()));
    }
}
