//! The example for clusters is YAML, and the policies and host rules in it are some. Read by the tests only.

use std::fs;

use policy::{Library, Problems, Source};
use serde_yaml::{Event, Parser};

use crate::checkout::Checkout;

const EXAMPLE: &str = "dist/container/kubernetes.yaml";

/// The shipped presets, as files of the checkout.
struct Presets(Checkout);

impl Library for Presets {
    fn read(&self, name: &str, _from: &str) -> Result<Source, String> {
        let path = self.0.root().join("policies").join(name).with_extension("yaml");
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Source { name: name.to_owned(), text })
    }
}

/// Every scalar of every document, in order.
fn scalars(text: &str) -> Vec<String> {
    let events = Parser::new_from_str(text).map(|event| event.unwrap().0);
    let scalars = events.filter_map(|event| match event {
        Event::Scalar(text, ..) => Some(text.into_owned()),
        _ => None,
    });
    scalars.collect()
}

/// The text that stands under a name of a ConfigMap.
fn embedded(scalars: &[String], name: &str) -> Source {
    let at = scalars.iter().position(|scalar| scalar == name).unwrap();
    Source { name: name.to_owned(), text: scalars[at + 1].clone() }
}

fn told(problems: Problems) -> String {
    problems.to_string()
}

#[test]
fn the_example_is_yaml_with_a_policy_and_host_rules() {
    let checkout = Checkout::find().unwrap();
    let text = fs::read_to_string(checkout.root().join(EXAMPLE)).unwrap();
    let scalars = scalars(&text);
    let kinds: Vec<&String> =
        scalars.windows(2).filter(|pair| pair[0] == "kind").map(|pair| &pair[1]).collect();
    assert_eq!(kinds, ["Namespace", "ConfigMap", "ConfigMap", "DaemonSet"]);
    for mount in ["/sys/fs/bpf", "/sys/fs/cgroup", "/run/mcpguard"] {
        assert_eq!(scalars.iter().filter(|scalar| *scalar == mount).count(), 2, "{mount} is not mounted");
    }
    policy::host::load(&[embedded(&scalars, "host.yaml")]).map_err(told).unwrap();
    policy::load(embedded(&scalars, "notes.yaml"), &Presets(checkout)).map_err(told).unwrap();
}

#[test]
fn the_image_has_what_the_packages_have() {
    let checkout = Checkout::find().unwrap();
    let place = checkout.root().join("dist/container");
    let text = fs::read_to_string(place.join("Containerfile")).unwrap();
    let copied = text.lines().filter_map(|line| line.strip_prefix("COPY ")).flat_map(str::split_whitespace);
    let sources: Vec<&str> = copied.filter(|word| word.starts_with("dist/")).collect();
    assert_eq!(sources.len(), 3);
    for source in sources {
        assert!(checkout.root().join(source).is_file(), "{source} is not there");
    }
    let users = fs::read_to_string(place.join("passwd")).unwrap();
    let groups = fs::read_to_string(place.join("group")).unwrap();
    assert!(users.contains("\nmcpguard:x:") && groups.contains("\nmcpguard-operators:x:"));
}
