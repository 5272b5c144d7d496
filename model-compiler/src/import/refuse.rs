//! Why operators that networks have, but private inference does not, are refused.

/// What to do about an operator that cannot be imported; empty if there is nothing to say.
pub(super) fn hint(op: &str) -> &'static str {
    let smooth = "a smooth activation has no private gadget here, only comparisons have: train or \
                  fine-tune the network with ReLU (or ReLU6) instead";
    match op {
        "Sigmoid" | "Tanh" | "Gelu" | "Elu" | "Selu" | "Celu" | "Softplus" | "Softsign" | "Erf"
        | "Exp" | "Log" | "Mish" | "Swish" | "HardSwish" | "Sin" | "Cos" => smooth,
        "LayerNormalization"
        | "InstanceNormalization"
        | "GroupNormalization"
        | "MeanVarianceNormalization"
        | "LpNormalization"
        | "LRN"
        | "RMSNormalization" => {
            "it divides by statistics of the image itself, which only batch normalisation with \
             stored statistics avoids: replace it and retrain"
        }
        "Softmax" | "LogSoftmax" | "Attention" | "MultiHeadAttention" => {
            "attention multiplies values that both depend on the image: use a convolutional network"
        }
        "LSTM" | "GRU" | "RNN" | "If" | "Loop" | "Scan" => {
            "control flow and recurrence cannot be compiled into a fixed plan"
        }
        "MaxUnpool" | "GridSample" | "AffineGrid" => {
            "where values go must not depend on the image: enlarge by Resize or ConvTranspose"
        }
        "QuantizeLinear"
        | "DequantizeLinear"
        | "DynamicQuantizeLinear"
        | "QLinearConv"
        | "QLinearMatMul"
        | "ConvInteger"
        | "MatMulInteger" => "export the float network: the compiler quantises it itself",
        "LpPool" | "GlobalLpPool" => "use average or max pooling",
        "ArgMin" | "TopK" | "NonMaxSuppression" | "RoiAlign" => {
            "export the network without it, so that its output is the logits (or their ArgMax)"
        }
        _ => "",
    }
}

/// Why a polynomial of the image is refused.
pub(super) const SQUARE: &str = "it squares a value that depends on the image (a quadratic \
     activation, as in CryptoNets or in the approximated layers of Delphi): this protocol has \
     comparisons and no multiplication gadget for polynomials; replace it by a ReLU, masked where \
     it matters least, and fine-tune";

/// Why a product of two values is refused.
pub(super) const PRODUCT: &str = "it multiplies two values that both depend on the image (a gate, \
     attention, or squeeze-and-excitation), for which there is no private gadget: train a network \
     without it. If it is a ReLU mask, masks must be constants of the model";
