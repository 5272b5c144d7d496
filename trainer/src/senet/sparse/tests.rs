use super::*;
use crate::batch::Augment;
use crate::checkpoint::{Identity, Stage};
use crate::data::{Dataset, Images};
use crate::fit::{Plan, train};
use crate::schedule::{Curve, Schedule};
use std::path::Path;
use tacita_architectures::{Network, Options, Shape};
use tch::Device;

const SETTINGS: Settings = Settings { density: 0.2, prune: 0.5, decay: Decay::Linear };
const EPOCHS: usize = 4;

fn network(name: &str) -> Network {
    let input = Shape { channels: 3, height: 32, width: 32 };
    let options = Options { width_multiplier: 0.125, ..Options::named(name) };
    options.network(input, 10).expect("a network")
}

fn net(name: &str) -> Net {
    tch::manual_seed(1);
    Net::new(&network(name), Device::Cpu)
}

fn data() -> Dataset {
    Dataset::split(&Images::synthetic(96, 1), Images::synthetic(32, 2), 32, 0, 1).expect("split")
}

/// A method that counts its active weights at each turn and can be cut off.
struct Watched {
    sparse: Sparse,
    counts: Vec<usize>,
    last: usize,
}

impl Watched {
    fn new(last: usize) -> Self {
        Self { sparse: Sparse::new(SETTINGS, EPOCHS, 7), counts: Vec::new(), last }
    }
}

impl Method for Watched {
    fn begin(&mut self, net: &mut Net, saved: &HashMap<String, Tensor>) -> Result<()> {
        self.sparse.begin(net, saved)
    }

    fn loss(&mut self, net: &Net, batch: &Batch) -> Result<Tensor> {
        self.sparse.loss(net, batch)
    }

    fn stepped(&mut self, net: &Net) -> Result<()> {
        self.sparse.stepped(net)
    }

    fn end(&mut self, net: &mut Net, sgd: &Sgd, epoch: usize) -> Result<Turn> {
        if epoch > self.last {
            // As if the process were killed in this epoch.
            return Err(Error::Log);
        }
        let turn = self.sparse.end(net, sgd, epoch)?;
        self.counts.push(self.sparse.count()?);
        // Nothing but active weights is left.
        for layer in &self.sparse.layers {
            let outside: Tensor = layer.weight.detach() * (1.0 - &layer.mask);
            let outside = outside.abs().sum(Kind::Float).double_value(&[]);
            assert_eq!(outside, 0.0, "{}", layer.variable);
        }
        Ok(turn)
    }

    fn state(&self) -> Vec<(String, Tensor)> {
        self.sparse.state()
    }

    fn latest(&self) -> bool {
        self.sparse.latest()
    }
}

/// Trains from the weights of `first`: those of another new network follow other tests too, which
/// draw from the same generator at the same time.
fn fit(dir: &Path, first: &Net, data: &Dataset, method: &mut Watched) -> Result<Net> {
    let mut net = net("resnet18");
    net.copy_from(first).expect("the same network");
    let identity = Identity {
        stage: "sparse".to_owned(),
        network: net.network.clone(),
        rates: vec![1.0],
        data: data.hash.clone(),
        seed: 7,
        settings: serde_json::json!(SETTINGS),
    };
    let mut stage = Stage::open(dir, identity, "tacita-train", false)?;
    let schedule = Schedule { curve: Curve::Constant, peak: 0.05 };
    let augment = Augment::default();
    let plan = Plan { epochs: EPOCHS, batch: 16, schedule, seed: 7, augment, mixed: false };
    train(&mut stage, &mut net, data, &plan, method)?;
    Ok(net)
}

fn masks(sparse: &Sparse) -> Vec<Vec<f32>> {
    sparse.layers.iter().map(|l| values(&l.mask).expect("values")).collect()
}

#[test]
fn a_run_that_was_cut_off_ends_with_the_same_masks() {
    tch::set_num_threads(1);
    let (data, whole) = (data(), tempfile::tempdir().expect("temporary folder"));
    let (first, mut through) = (net("resnet18"), Watched::new(EPOCHS));
    let net = fit(whole.path(), &first, &data, &mut through).expect("trained");
    assert_eq!(through.counts, [through.sparse.active(); EPOCHS], "constant");

    let fresh = Sparse::new(SETTINGS, EPOCHS, 7);
    let drawn =
        fresh.mask("conv1.weight", net.store.get("conv1.weight").expect("there"), &HashMap::new());
    assert_ne!(
        values(&drawn.expect("drawn")).expect("values"),
        masks(&through.sparse)[0],
        "weights moved"
    );

    let parts = tempfile::tempdir().expect("temporary folder");
    assert!(matches!(fit(parts.path(), &first, &data, &mut Watched::new(2)), Err(Error::Log)));
    let mut rest = Watched::new(EPOCHS);
    let resumed = fit(parts.path(), &first, &data, &mut rest).expect("trained");
    assert_eq!(rest.counts.len(), EPOCHS - 2, "it went on");
    assert_eq!(masks(&rest.sparse), masks(&through.sparse));
    assert_eq!(resumed.hash().expect("hash"), net.hash().expect("hash"));

    // The net is that of the last epoch: its weights are those of the last masks.
    let nonzero = |net: &Net| densities(net).expect("densities");
    assert!(overall(&net).expect("density") > 0.19);
    assert!(nonzero(&net).iter().any(|d| (d - 0.2).abs() > 0.02), "{:?}", nonzero(&net));
    let complete = fit(whole.path(), &first, &data, &mut Watched::new(0)).expect("loaded");
    assert_eq!(nonzero(&complete), nonzero(&net));
}

#[test]
fn only_convolutions_are_masked() {
    for name in ["resnet18", "wrn22-8", "vgg16", "mobilenetv1", "minionn"] {
        let (mut net, mut dense) = (net(name), net(name));
        // Each is drawn from the generator that neighbouring tests draw from, too.
        dense.copy_from(&net).expect("same shape");
        let mut sparse = Sparse::new(SETTINGS, EPOCHS, 7);
        sparse.begin(&mut net, &HashMap::new()).expect("begun");
        let convs: Vec<&str> = sparse.layers.iter().map(|l| l.variable.as_str()).collect();
        for (variable, before) in dense.trained() {
            let same = net.store.get(&variable).expect("there").equal(&before);
            assert_eq!(same, !convs.contains(&variable.as_str()), "{name} {variable}");
            let matrix = before.size().len() == 4;
            assert_eq!(matrix, !same, "{name} {variable}");
        }
        let share = overall(&net).expect("density");
        assert!((share - 0.2).abs() < 0.02, "{name}: {share}");
    }
}

#[test]
fn first_masks_follow_the_seed() {
    let masks = |seed| {
        let mut sparse = Sparse::new(SETTINGS, EPOCHS, seed);
        sparse.begin(&mut net("minionn"), &HashMap::new()).expect("begun");
        masks(&sparse)
    };
    assert_eq!(masks(1), masks(1));
    assert_ne!(masks(1), masks(2));
    assert_ne!(masks(1)[1], masks(1)[2], "layers of one shape differ");
}

#[test]
fn densities_are_those_of_the_paired_convolutions() {
    let net = net("resnet18");
    let _guard = tch::no_grad_guard();
    // 0 the first quarter of one convolution in each of these places.
    for conv in ["layer2.0.conv2", "layer2.0.shortcut.0", "linear"] {
        let weight = net.store.get(&format!("{conv}.weight")).expect("there");
        let quarter = weight.view([-1]).narrow(0, 0, weight.numel() as i64 / 4);
        let _ = quarter.shallow_clone().zero_();
    }
    let dense = densities(&net).expect("densities");
    for (layer, density) in net.layers().iter().zip(dense) {
        let want = if layer.name == "s2b1r2" { 0.75 } else { 1.0 };
        assert_eq!(density, want, "{}", layer.name);
    }
    assert_eq!((sensitivity(0.75), sensitivity(1.0)), (0.25, LEAST));
}

#[test]
fn saved_masks_must_fit() {
    let mut sparse = Sparse::new(SETTINGS, EPOCHS, 7);
    let mut net = net("minionn");
    sparse.begin(&mut net, &HashMap::new()).expect("begun");
    let saved: HashMap<String, Tensor> = sparse.state().into_iter().collect();
    let mut again = Sparse::new(SETTINGS, EPOCHS, 8);
    again.begin(&mut net, &saved).expect("they fit");
    assert_eq!(masks(&again), masks(&sparse));
    let mut short = saved;
    let _ = short.remove("~active.conv3.weight").expect("it is there");
    assert!(matches!(again.begin(&mut net, &short), Err(Error::NetworkMismatch { .. })));
}

#[test]
fn the_share_that_moves_falls_to_nothing() {
    let rates = |decay| {
        let settings = Settings { decay, ..SETTINGS };
        [0, 1, 2, 3, 4].map(|epoch| settings.rate(epoch, 4))
    };
    assert_eq!(rates(Decay::Linear), [0.5, 0.375, 0.25, 0.125, 0.0]);
    let cosine = rates(Decay::Cosine);
    assert!(cosine[1] > 0.375 && (cosine[2] - 0.25).abs() < 1e-12 && cosine[3] < 0.125);
    assert_eq!((cosine[0], cosine[4]), (0.5, 0.0));
}
