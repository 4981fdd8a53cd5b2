//! Formulas compiled to a short list of vector instructions on a few registers.

use std::cell::RefCell;
use std::ops::Range;

use super::expression::Expression;
use super::graph::{Graph, Id, Value};
use super::instruction::{BLOCK, Code, Instruction, Layout, Scratch, Source, Target};
use super::run::run_block;

/// Several formulas compiled together: parts that they share are computed once.
///
/// Points are worked off in blocks of 128, each instruction over a whole block, in the widest vectors of the processor.
/// Every level gives the same bits; the value at a point does not depend on its neighbours.
#[derive(Debug, Clone, PartialEq)]
pub struct Program {
    instructions: Vec<Instruction>,
    registers: usize,
    constants: Vec<f64>,
    uniforms: usize,
    inputs: usize,
    outputs: usize,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::default());
}

impl Program {
    /// Compiles formulas; output k of the program is `expressions[k]`.
    pub fn compile(expressions: &[Expression]) -> Self {
        Self::with_uniforms(expressions, 0..0)
    }

    /// The same with the inputs of a range held fixed over each call. The vector inputs are then the ones before the
    /// range followed by the ones after it.
    pub(crate) fn with_uniforms(expressions: &[Expression], uniforms: Range<usize>) -> Self {
        let count = uniforms.len();
        Compiler::new(Graph::new(expressions, uniforms), count).program()
    }

    /// Number of inputs that occur (the highest one plus one).
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Number of instructions, a measure of the cost.
    pub fn instructions(&self) -> usize {
        self.instructions.len()
    }

    pub(crate) fn constants(&self) -> &[f64] {
        &self.constants
    }

    /// Evaluates at n points: input k of point i is `inputs[k·n + i]`, output k goes to `outputs[k·n + i]`;
    /// n = `outputs.len()` / number of outputs. Nothing is allocated once the thread has run a program as large.
    pub fn evaluate(&self, inputs: &[f64], outputs: &mut [f64]) {
        SCRATCH.with_borrow_mut(|scratch| self.evaluate_with(inputs, outputs, scratch));
    }

    /// The same with the caller's working memory.
    pub fn evaluate_with(&self, inputs: &[f64], outputs: &mut [f64], scratch: &mut Scratch) {
        let n = outputs.len().checked_div(self.outputs).unwrap_or(0);
        for start in (0..n).step_by(BLOCK) {
            let layout = Layout { stride: n, start };
            self.evaluate_block(&self.constants, (inputs, layout), (outputs, layout), BLOCK.min(n - start), scratch);
        }
    }

    /// The same with the outputs in two arrays of n points, as many as fit in `first`, the others in `second`.
    pub fn evaluate_split(&self, inputs: &[f64], first: &mut [f64], second: &mut [f64]) {
        let n = (first.len() + second.len()).checked_div(self.outputs).unwrap_or(0);
        let split = first.len().checked_div(n).unwrap_or(0);
        SCRATCH.with_borrow_mut(|scratch| {
            scratch.reserve(self.registers);
            for start in (0..n).step_by(BLOCK) {
                let (at, length) = (Layout { stride: n, start }, BLOCK.min(n - start));
                run_block(&self.instructions, &self.constants, inputs, at, first, second, split, at, length, scratch);
            }
        });
    }

    /// Evaluates at `length` ≤ [`BLOCK`] points; `scalars` holds the uniforms, then [`Program::constants`].
    pub(crate) fn evaluate_block(
        &self,
        scalars: &[f64],
        inputs: (&[f64], Layout),
        outputs: (&mut [f64], Layout),
        length: usize,
        scratch: &mut Scratch,
    ) {
        debug_assert!(scalars.len() == self.uniforms + self.constants.len());
        scratch.reserve(self.registers);
        run_block(
            &self.instructions,
            scalars,
            inputs.0,
            inputs.1,
            outputs.0,
            &mut [],
            usize::MAX,
            outputs.1,
            length,
            scratch,
        );
    }

    /// All outputs at one point.
    pub fn evaluate_point(&self, inputs: &[f64]) -> Vec<f64> {
        let mut outputs = vec![0.0; self.outputs];
        self.evaluate(inputs, &mut outputs);
        outputs
    }
}

struct Compiler {
    graph: Graph,
    uniforms: usize,
    constants: Vec<f64>,
    /// How often each value is still needed by instructions to come.
    pending: Vec<usize>,
    places: Vec<Option<Source>>,
    free: Vec<usize>,
    registers: usize,
    instructions: Vec<Instruction>,
}

impl Compiler {
    fn new(graph: Graph, uniforms: usize) -> Self {
        let mut pending = vec![0; graph.values.len()];
        let mut live: Vec<Id> = graph.outputs.clone();
        let mut seen = vec![false; graph.values.len()];
        while let Some(id) = live.pop() {
            if !std::mem::replace(&mut seen[id], true) {
                for operand in graph.values[id].operands() {
                    pending[operand] += 1;
                    live.push(operand);
                }
            }
        }
        let places = seen.iter().map(|live| if *live { None } else { Some(Source::Scalar(usize::MAX)) }).collect();
        let (constants, free, instructions) = (Vec::new(), Vec::new(), Vec::new());
        Self { graph, uniforms, constants, pending, places, free, registers: 0, instructions }
    }

    fn program(mut self) -> Program {
        let mut inputs = 0;
        for id in 0..self.graph.values.len() {
            let value = self.graph.values[id];
            if self.places[id].is_some() {
                continue; // nothing needs it
            }
            match value {
                Value::Constant(bits) => {
                    self.places[id] = Some(Source::Scalar(self.uniforms + self.constants.len()));
                    self.constants.push(f64::from_bits(bits));
                }
                Value::Uniform(u) => self.places[id] = Some(Source::Scalar(u)),
                Value::Input(i) => {
                    self.places[id] = Some(Source::Input(i));
                    inputs = inputs.max(i + 1);
                }
                _ => {}
            }
        }
        for id in 0..self.graph.values.len() {
            if self.places[id].is_none() {
                self.compute(id);
            }
        }
        for (k, id) in self.graph.outputs.clone().into_iter().enumerate() {
            if self.outputs_of(id) != Some(k) {
                let from = self.place(id);
                self.emit(Code::Copy, Target::Output(k), [from; 3]);
            }
        }
        let Self { uniforms, constants, registers, instructions, graph, .. } = self;
        Program { instructions, registers, constants, uniforms, inputs, outputs: graph.outputs.len() }
    }

    /// The output that a value can be written to directly: it has one output and no other user.
    fn outputs_of(&self, id: Id) -> Option<usize> {
        let mut mine = (0..self.graph.outputs.len()).filter(|&k| self.graph.outputs[k] == id);
        let (first, second) = (mine.next(), mine.next());
        let computed = matches!(self.places[id], None | Some(Source::Register(usize::MAX)));
        if second.is_none() && computed { first } else { None }
    }

    fn place(&self, id: Id) -> Source {
        self.places[id].unwrap_or(Source::Scalar(usize::MAX)) // operands come first in the list, so it has a place
    }

    fn emit(&mut self, code: Code, target: Target, operands: [Source; 3]) {
        self.instructions.push(Instruction { code, target, operands });
    }

    fn compute(&mut self, id: Id) {
        let value = self.graph.values[id];
        let ids: Vec<Id> = value.operands().collect();
        let mut operands = [Source::Scalar(0); 3];
        for (slot, &operand) in operands.iter_mut().zip(&ids) {
            *slot = self.place(operand);
        }
        let (code, needs_vector) = match value {
            Value::Unary(f, _) => (Code::Unary(f), [true, false, false]),
            Value::Binary(f, ..) => {
                let both_scalar = ids.iter().all(|&id| self.graph.values[id].is_scalar());
                (Code::Binary(f), [both_scalar, false, false])
            }
            Value::Fused(f, ..) => (Code::Fused(f), [true, false, false]),
            Value::Where(..) => (Code::Where, [true, true, true]),
            Value::Constant(_) | Value::Uniform(_) | Value::Input(_) => return,
        };
        let mut filled = Vec::new();
        for (slot, vector) in operands.iter_mut().zip(needs_vector) {
            if vector && matches!(slot, Source::Scalar(_)) {
                let register = self.take_register();
                filled.push(register);
                self.emit(Code::Copy, Target::Register(register), [*slot; 3]);
                *slot = Source::Register(register);
            }
        }
        self.free.extend(filled); // an instruction may overwrite its own operands
        for &operand in &ids {
            self.pending[operand] -= 1;
            if let (0, Source::Register(r), false) =
                (self.pending[operand], self.place(operand), self.graph.outputs.contains(&operand))
            {
                self.free.push(r);
            }
        }
        let direct = if self.pending[id] == 0 { self.outputs_of(id) } else { None };
        let target = match direct {
            Some(k) => {
                self.places[id] = Some(Source::Register(usize::MAX)); // lives in the output only
                Target::Output(k)
            }
            None => {
                let register = self.take_register();
                self.places[id] = Some(Source::Register(register));
                Target::Register(register)
            }
        };
        self.emit(code, target, operands);
    }

    fn take_register(&mut self) -> usize {
        self.free.pop().unwrap_or_else(|| {
            self.registers += 1;
            self.registers - 1
        })
    }
}
