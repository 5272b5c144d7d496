//! Networks that others trained.

use super::{BUDGET, Place, SMALL, public};
use std::path::Path;
use tacita_train::results::read_card;

/// What a caller says of images that are not at hand.
const UNSEEN: &str = "--classes 10 --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225";

fn fixture(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name).display().to_string()
}

/// A ResNet20 with option-A shortcuts that others trained on CIFAR-10.
fn resnet20() -> Option<String> {
    let file = "models/akamaster+pytorch_resnet_cifar10/resnet20-12fca82f.th";
    let path = public("TACITA_DATA", Some("../shared/data"), file)?;
    Some(format!("import {} --net resnet20 --shortcut pad --out net.onnx", path.display()))
}

#[test]
fn open_questions_are_asked() {
    let place = Place::new();
    for (file, advice) in [
        ("relupruner.pth", "--no-stem-relu"),
        ("rlnet.pth", "--identity-skip absent"),
        ("snl_soft.pth.tar", "give a threshold"),
    ] {
        let words = format!("import {} {UNSEEN} --input-size 8 --out net.onnx", fixture(file));
        let message = place.complaint(&words);
        assert!(message.contains(file) && message.contains(advice), "{message}");
    }
    let words = format!(
        "import {} {UNSEEN} --net vgg16 --identity-skip absent --out net.onnx",
        fixture("rlnet.pth")
    );
    assert!(place.complaint(&words).contains("--no-identity-skip does not apply"));
    let words = format!(
        "import {} {UNSEEN} --shortcut pad --no-stem-relu --out net.onnx",
        fixture("snl.pth.tar")
    );
    assert!(place.complaint(&words).contains("snl.pth.tar: the mask of layer s1b1r1"));
    assert!(!place.path("a/net.onnx").exists());
    let mut command = place.command(&format!("import {} --out net.onnx", fixture("snl.pth.tar")));
    let output = command.output().expect("started");
    assert_eq!(output.status.code(), Some(2), "data or classes must be given");
}

#[test]
fn a_public_network_is_taken_over_and_trained_on() {
    let Some(import) = resnet20() else { return };
    let place = Place::new();
    let unseen = place.answer(&format!("{import} {UNSEEN}"));
    assert_eq!((&unseen["layout"], unseen["result"].is_null()), (&"PyTorch".into(), true));
    let card = read_card(&place.path("a/net.json")).expect("a card");
    assert_eq!((card.relus, card.units, card.stages.len()), (188_416, 188_416, 0));

    let wrong = import.replace("--shortcut pad", "");
    let message = place.complaint(&format!("{wrong} {UNSEEN}"));
    assert!(message.contains("resnet20-12fca82f.th: layer2.0.shortcut"), "{message}");

    let seen = place.answer(&format!("{import} --data ../data --work run --threads 1"));
    let again = place.answer("eval run/import --data ../data --threads 1");
    assert_eq!(again["accuracy"], seen["result"]["test"]);
    assert_eq!(again["mask_hash"], seen["mask_hash"]);
    let small = SMALL.replace("--base-width 4", "--shortcut pad");
    let senet = place.answer(&format!(
        "senet {small} --limit 40 --teacher run/import --relu-budget {BUDGET} --out next.onnx \
         --search-epochs 1 --finetune-epochs 1"
    ));
    assert_eq!(senet["result"]["teacher"], seen["result"]);
    assert_eq!(senet["result"]["relus"], 1500);
}

/// Its authors give 91.73 % of the 10,000 test images.
#[test]
fn a_public_network_reaches_the_accuracy_of_its_authors() {
    let Some(data) = public("TACITA_CIFAR10", None, "test_batch.bin") else { return };
    let Some(import) = resnet20() else { return };
    let data = data.parent().expect("a folder").display().to_string();
    let numbers = UNSEEN.replace("--classes 10", "");
    let found = Place::new().answer(&format!("{import} --data {data} {numbers}"));
    let test = found["result"]["test"].as_f64().expect("an accuracy");
    assert!((test - 0.9173).abs() < 5e-4, "{test}");
}
