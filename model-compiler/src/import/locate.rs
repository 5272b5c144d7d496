//! Where a node came from, for error messages and layer names.

use tacita_onnx::NodeProto;

use crate::error::Location;

/// Names the node, its operator and its source layer as well as the file allows.
pub(super) fn locate(node: &NodeProto, is_constant: impl Fn(&str) -> bool) -> Location {
    let output = node.output.iter().find(|o| !o.is_empty()).map(String::as_str);
    let name = Some(node.name.as_str()).filter(|n| !n.is_empty()).or(output);
    let name = name.unwrap_or("(unnamed)").to_owned();
    let parameter = node.input.iter().find(|i| is_constant(i) && i.contains('.'));
    let layer = from_module_path(&node.name)
        .or_else(|| parameter.and_then(|p| p.rsplit_once('.')).map(|(layer, _)| layer.to_owned()))
        .or_else(|| output.map(str::to_owned))
        .or_else(|| node.input.first().map(|i| format!("after {i}")))
        .unwrap_or_default();
    Location { node: name, operator: node.op_type.clone(), layer }
}

/// `/layer1/layer1.0/conv1/Conv` (as PyTorch writes it) becomes `layer1.0.conv1`.
fn from_module_path(name: &str) -> Option<String> {
    let (path, _op) = name.strip_prefix('/').unwrap_or(name).rsplit_once('/')?;
    let mut layer = String::new();
    for part in path.split('/') {
        // Each part repeats its parents' names, or is relative to them.
        if part.starts_with(layer.as_str()) {
            layer = part.to_owned();
        } else {
            layer = format!("{layer}.{part}");
        }
    }
    Some(layer).filter(|l| !l.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_named_after_their_modules() {
        let of = |name: &str| from_module_path(name).unwrap_or_default();
        assert_eq!(of("/layer1/layer1.0/conv1/Conv"), "layer1.0.conv1");
        assert_eq!(of("/features/0/Conv"), "features.0");
        assert_eq!(of("Conv_3"), "");
    }

    #[test]
    fn unnamed_nodes_are_named_after_parameters_or_outputs() {
        let node = NodeProto::new("Conv", "", &["x", "stem.weight"], "y");
        let at = locate(&node, |n| n == "stem.weight");
        assert_eq!((at.node.as_str(), at.layer.as_str()), ("y", "stem"));
        assert_eq!(locate(&NodeProto::new("Relu", "", &["x"], "y"), |_| false).layer, "y");
    }
}
