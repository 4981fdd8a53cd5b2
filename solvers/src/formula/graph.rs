//! Expressions as a list of distinct values, each computed once, with multiplications and additions fused.

use std::collections::HashMap;
use std::ops::Range;

use super::expression::{Expression, Key, Node};
use super::operation::{Binary, Unary};

/// Place of a value in the list; operands come before their users.
pub(super) type Id = usize;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Value {
    /// Bits of a number.
    Constant(u64),
    /// A number that is given with each call.
    Uniform(usize),
    Input(usize),
    Unary(Unary, Id),
    Binary(Binary, Id, Id),
    Fused(Fused, Id, Id, Id),
    Where(Id, Id, Id),
}

/// Multiplication and addition in one rounding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Fused {
    /// ab + c
    MulAdd,
    /// ab − c
    MulSub,
    /// c − ab
    NegMulAdd,
}

impl Value {
    pub(super) fn is_scalar(&self) -> bool {
        matches!(self, Self::Constant(_) | Self::Uniform(_))
    }

    pub(super) fn operands(&self) -> impl Iterator<Item = Id> + use<> {
        let (ids, n) = match *self {
            Self::Constant(_) | Self::Uniform(_) | Self::Input(_) => ([0; 3], 0),
            Self::Unary(_, a) => ([a, 0, 0], 1),
            Self::Binary(_, a, b) => ([a, b, 0], 2),
            Self::Fused(_, a, b, c) | Self::Where(a, b, c) => ([a, b, c], 3),
        };
        ids.into_iter().take(n)
    }
}

pub(super) struct Graph {
    pub(super) values: Vec<Value>,
    pub(super) outputs: Vec<Id>,
    places: HashMap<Value, Id>,
    known: HashMap<Key, Id>,
    uniforms: Range<usize>,
}

impl Graph {
    /// Values of all expressions; inputs in `uniforms` become scalars, the inputs after them close the gap.
    pub(super) fn new(expressions: &[Expression], uniforms: Range<usize>) -> Self {
        let (places, known) = (HashMap::new(), HashMap::new());
        let mut graph = Self { values: Vec::new(), outputs: Vec::new(), places, known, uniforms };
        graph.outputs = expressions.iter().map(|e| graph.place(e)).collect();
        graph.fuse();
        graph
    }

    fn intern(&mut self, value: Value) -> Id {
        let next = self.values.len();
        let id = *self.places.entry(value).or_insert(next);
        if id == next {
            self.values.push(value);
        }
        id
    }

    fn constant(&mut self, value: f64) -> Id {
        self.intern(Value::Constant(value.to_bits()))
    }

    /// Sums and products with the scalar on the right, else in the order of the list.
    fn binary(&mut self, f: Binary, a: Id, b: Id) -> Id {
        let commutes = matches!(f, Binary::Add | Binary::Mul);
        let rank = |id: Id| (self.values[id].is_scalar(), id);
        let swap = commutes && rank(a) > rank(b);
        self.intern(if swap { Value::Binary(f, b, a) } else { Value::Binary(f, a, b) })
    }

    fn place(&mut self, e: &Expression) -> Id {
        if let Some(id) = self.known.get(&e.key()) {
            return *id;
        }
        let id = match e.node() {
            Node::Constant(c) => self.constant(*c),
            Node::Input(i) if self.uniforms.contains(i) => self.intern(Value::Uniform(i - self.uniforms.start)),
            Node::Input(i) if *i >= self.uniforms.end => self.intern(Value::Input(i - self.uniforms.len())),
            Node::Input(i) => self.intern(Value::Input(*i)),
            Node::Unary(f, a) => {
                let a = self.place(a);
                self.intern(Value::Unary(*f, a))
            }
            Node::Binary(Binary::Pow, a, n) if n.as_constant().is_some_and(is_short_power) => {
                let a = self.place(a);
                self.short_power(a, n.as_constant().unwrap_or(1.0))
            }
            Node::Binary(f, a, b) => {
                let (a, b) = (self.place(a), self.place(b));
                self.binary(*f, a, b)
            }
            Node::Where(c, a, b) => {
                let (c, a, b) = (self.place(c), self.place(a), self.place(b));
                self.intern(Value::Where(c, a, b))
            }
        };
        self.known.insert(e.key(), id);
        id
    }

    /// a^n for an integer or half-integer n by multiplications.
    fn short_power(&mut self, a: Id, n: f64) -> Id {
        let size = n.abs();
        let whole = if size >= 1.0 { Some(self.integer_power(a, size as u32)) } else { None };
        let root = if size.fract() != 0.0 { Some(self.intern(Value::Unary(Unary::Sqrt, a))) } else { None };
        let power = match (whole, root) {
            (Some(whole), Some(root)) => self.binary(Binary::Mul, whole, root),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => self.constant(1.0),
        };
        if n < 0.0 {
            let one = self.constant(1.0);
            self.binary(Binary::Div, one, power)
        } else {
            power
        }
    }

    fn integer_power(&mut self, a: Id, n: u32) -> Id {
        if n == 1 {
            return a;
        }
        let half = self.integer_power(a, n / 2);
        let even = self.binary(Binary::Mul, half, half);
        if n % 2 == 1 { self.binary(Binary::Mul, even, a) } else { even }
    }

    /// Turns sums with a product that nobody else needs into fused operations.
    fn fuse(&mut self) {
        let mut users = vec![0_usize; self.values.len()];
        let operands = self.values.iter().flat_map(Value::operands);
        operands.chain(self.outputs.iter().copied()).for_each(|id| users[id] += 1);
        for id in 0..users.len() {
            let Value::Binary(f, a, b) = self.values[id] else { continue };
            let only = |id: Id| (users[id] == 1).then(|| self.values[id]);
            let product = |id: Id| match only(id) {
                Some(Value::Binary(Binary::Mul, x, y)) => Some((x, y)),
                _ => None,
            };
            let fused = match (f, product(a), product(b)) {
                (Binary::Add, Some((x, y)), _) => Value::Fused(Fused::MulAdd, x, y, b),
                (Binary::Add, _, Some((x, y))) => Value::Fused(Fused::MulAdd, x, y, a),
                (Binary::Sub, _, Some((x, y))) => Value::Fused(Fused::NegMulAdd, x, y, a),
                (Binary::Sub, Some((x, y)), _) => Value::Fused(Fused::MulSub, x, y, b),
                (Binary::Mul, ..) => match (only(a), self.number(b)) {
                    (Some(sum), Some(c)) => match self.distributed(sum, b, c) {
                        Some(value) => value,
                        None => continue,
                    },
                    _ => continue,
                },
                _ => continue,
            };
            self.values[id] = fused;
        }
    }

    fn number(&self, id: Id) -> Option<f64> {
        match self.values[id] {
            Value::Constant(bits) => Some(f64::from_bits(bits)),
            _ => None,
        }
    }

    /// (x + k)c = xc + kc and (k − x)c = kc − xc for numbers k and c.
    fn distributed(&mut self, sum: Value, c_place: Id, c: f64) -> Option<Value> {
        let (kind, x, k) = match sum {
            Value::Binary(Binary::Add, x, k) => (Fused::MulAdd, x, self.number(k)?),
            Value::Binary(Binary::Sub, k, x) => (Fused::NegMulAdd, x, self.number(k)?),
            _ => return None,
        };
        let shift = self.constant(k * c); // scalars may stand anywhere in the list
        Some(Value::Fused(kind, x, c_place, shift))
    }
}

/// Up to the 64th power, where repeated multiplication keeps 10⁻¹⁴.
fn is_short_power(n: f64) -> bool {
    n.abs() <= 64.0 && (2.0 * n).fract() == 0.0
}
