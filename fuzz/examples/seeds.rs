//! Writes first inputs for the targets whose formats chance does not find: `cargo run --example
//! seeds`, in this folder.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use image::{ImageFormat, RgbImage};
use tacita_compile::testing::ResNet;
use tacita_fuzz::{honest_frames, plan};

fn put(target: &str, name: &str, bytes: &[u8]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    fs::create_dir_all(&folder).expect("the folder can be made");
    fs::write(folder.join(name), bytes).expect("the seed can be written");
}

/// A small picture in each format.
fn pictures() {
    for (name, format) in [("png", ImageFormat::Png), ("jpg", ImageFormat::Jpeg)] {
        let mut bytes = Cursor::new(Vec::new());
        RgbImage::new(9, 7).write_to(&mut bytes, format).expect("the picture can be encoded");
        put("image", name, &bytes.into_inner());
    }
}

fn main() {
    put("plan_file", "tiny", &plan().to_bytes().expect("the plan can be encoded"));
    put("public_plan", "tiny", &plan().public.to_bytes().expect("the plan can be encoded"));
    put("onnx", "resnet", &ResNet { side: 4, widths: [1, 1, 1], ..ResNet::tiny(1, 0.5) }.bytes());
    pictures();
    put("npy", "array", &tacita_image_input::encode_npy(&[2, 3], [1.0; 6]));
    for (target, frames) in ["server_messages", "client_messages"].iter().zip(honest_frames()) {
        // All honest up to a message, and then rubbish.
        for n in 0..frames.len() {
            put(target, &n.to_string(), &[vec![0; 2 * n], vec![3, 0, 1, 2, 3]].concat());
        }
    }
    for message in 0..24u8 {
        for target in ["server_mutated", "client_mutated"] {
            put(target, &message.to_string(), &[message, 0, 0, 1]);
            put(target, &format!("{message}-all"), &[vec![message, 0, 0], vec![0xff; 64]].concat());
        }
    }
}
