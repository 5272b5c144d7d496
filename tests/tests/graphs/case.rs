//! A whole model, drawn from a seed.

use std::collections::HashMap;
use std::fmt;

use tacita_onnx::{
    AttributeProto, DataType, GraphProto, ModelProto, OperatorSetIdProto, StringStringEntryProto,
    ValueInfoProto,
};

use crate::front::Front;
use crate::graph::{Graph, Value};
use crate::{arithmetic, head, layouts, pieces, windows};

type Step = fn(&mut Graph, &Value) -> Value;

/// What a network is made of, and how often each is drawn.
const STEPS: &[(usize, Step)] = &[
    (14, windows::any_conv),
    (8, arithmetic::activation),
    (6, arithmetic::batch_norm),
    (5, windows::pool),
    (5, pieces::branches),
    (4, arithmetic::with_constant),
    (4, pieces::slice),
    (4, pieces::split),
    (4, layouts::shuffle),
    (3, layouts::turn),
    (3, pieces::pad),
    (3, pieces::gather),
    (2, layouts::there_and_back),
    (2, layouts::squeezed),
    (2, layouts::pixelwise),
    (2, arithmetic::idle),
    (1, windows::reduce),
    (1, arithmetic::negated),
    (1, layouts::unshuffled),
    (1, pieces::focus),
];

/// A model and what is to be known of it.
pub struct Case {
    /// As it is handed to the importer.
    pub model: ModelProto,
    /// The same, its nodes in order, ending in its logits.
    pub plain: ModelProto,
    pub front: Front,
    /// It ends in the class alone.
    pub class: bool,
}

impl Case {
    /// The model of a seed, the weights of its last layer multiplied by `gain`.
    pub fn draw(seed: u64, gain: f32) -> Self {
        let mut g = Graph::new(seed);
        let front = Front::draw(&mut g);
        let input = front.declared(&mut g);
        let mut x = front.value(&mut g);
        for _ in 0..g.draw.between(1, 8) {
            let step = g.draw.weighted(STEPS.iter().map(|(weight, _)| *weight));
            x = (STEPS[step].1)(&mut g, &x);
        }
        let x = head::closed(&mut g, &x);
        let logits = head::logits(&mut g, &x, gain).name;
        let (output, class) = head::finish(&mut g, &logits);
        let disordered = g.draw.once_in(5);
        let plain = model(&g, &front, input.clone(), &logits);
        if disordered {
            let mut nodes = std::mem::take(&mut g.nodes);
            g.draw.shuffle(&mut nodes);
            g.nodes = nodes;
        }
        Self { model: model(&g, &front, input, &output), plain, front, class }
    }
}

fn model(g: &Graph, front: &Front, input: ValueInfoProto, output: &str) -> ModelProto {
    let graph = GraphProto {
        node: g.nodes.clone(),
        name: "drawn".into(),
        initializer: g.initializers.clone(),
        input: vec![input],
        output: vec![ValueInfoProto { name: output.into(), r#type: None }],
        value_info: vec![],
    };
    ModelProto {
        ir_version: 8,
        producer_name: "tacita tests".into(),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: g.opset }],
        graph: Some(graph),
        metadata_props: metadata(front),
        ..ModelProto::default()
    }
}

fn metadata(front: &Front) -> Vec<StringStringEntryProto> {
    if !front.in_metadata {
        return vec![];
    }
    let list = |v: &[f64]| v.iter().map(f64::to_string).collect::<Vec<_>>().join(", ");
    let pairs =
        [("tacita.mean", list(&front.before.mean)), ("tacita.std", list(&front.before.std))];
    pairs
        .into_iter()
        .map(|(key, value)| StringStringEntryProto { key: key.into(), value })
        .collect()
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(graph) = &self.plain.graph else { return Ok(()) };
        let constants = graph.initializer.iter().map(|t| (t.name.as_str(), &t.dims));
        let dims: HashMap<&str, &Vec<i64>> = constants.collect();
        writeln!(
            f,
            "image {:?}, operator set {}",
            self.front.dims(),
            self.model.opset_import[0].version
        )?;
        for node in &graph.node {
            let input = |name: &String| match dims.get(name.as_str()) {
                Some(dims) => format!("{name}{dims:?}"),
                None => name.clone(),
            };
            let inputs: Vec<String> = node.input.iter().map(input).collect();
            let held = |a: &AttributeProto| match (&a.t, a.s.is_empty()) {
                (Some(t), _) if t.data_type == DataType::Int64 as i32 => {
                    let words = t.raw_data.as_chunks::<8>().0.iter();
                    format!("{:?}", words.map(|w| i64::from_le_bytes(*w)).collect::<Vec<_>>())
                }
                (Some(t), _) => format!("{:?}", t.dims),
                (None, false) => String::from_utf8_lossy(&a.s).into_owned(),
                _ if a.ints.is_empty() => format!("{} {}", a.i, a.f),
                _ => format!("{:?}", a.ints),
            };
            let attributes = node.attribute.iter().map(|a| format!("{}={}", a.name, held(a)));
            let attributes: Vec<String> = attributes.collect();
            let (op, inputs, attributes) = (&node.op_type, inputs.join(", "), attributes.join(" "));
            writeln!(f, "{} = {op}({inputs}) {attributes}", node.output.join(", "))?;
        }
        Ok(())
    }
}
