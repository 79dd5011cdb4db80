//! `depends_on`: the only keys of jobs that speak of other jobs, so they are read together
//! (docs/configuration.md, Services).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::Place;
use super::scalars::Item;
use crate::base::sentence::quoted;
use crate::base::suggest;
use crate::model::job::{JobName, Kind};

const KEY: &str = "depends_on";

/// All jobs. Where a name is used twice, which is reported elsewhere, either will do.
type Kinds<'a> = BTreeMap<&'a str, Kind>;
/// A service and what it waits for.
type Edges<'a> = HashMap<&'a str, (&'a Place<'a>, Vec<Item<'a>>)>;

/// What each service waits for. Whatever is no service, or leads back to itself, is an error.
pub(crate) fn read(places: &[Place<'_>]) -> HashMap<String, Arc<[JobName]>> {
    let services: Vec<_> = places.iter().filter(|place| place.kind == Kind::Service).collect();
    let kinds: Kinds<'_> = places.iter().map(|place| (place.name, place.kind)).collect();
    let mut edges = Edges::default();
    for place in &services {
        let mut items = place.table.list(KEY).unwrap_or_default();
        items.retain(|item| is_good(place, *item, &kinds));
        if !items.is_empty() {
            edges.insert(place.name, (place, items));
        }
    }
    check_cycles(&services, &edges);
    let names = |items: &[Item<'_>]| items.iter().map(|item| JobName::new(item.text)).collect();
    edges.iter().map(|(name, (_, items))| ((*name).to_owned(), names(items))).collect()
}

/// Depth first, so that every cycle is met once, at the entry that closes it.
fn check_cycles<'a>(services: &[&'a Place<'a>], edges: &Edges<'a>) {
    let (mut done, mut on_path) = (HashSet::new(), HashSet::new());
    for start in services {
        // The way from `start` to where we are, and how many edges of each have been followed.
        let mut path: Vec<(&str, usize)> = vec![(start.name, 0)];
        while let Some((name, followed)) = path.last_mut() {
            let edge = edges.get(name).filter(|_| !done.contains(name));
            let next = edge.and_then(|(place, items)| Some((*place, *items.get(*followed)?)));
            *followed += 1;
            let Some((place, item)) = next else {
                done.insert(*name);
                on_path.remove(*name);
                path.pop();
                continue;
            };
            on_path.insert(*name);
            if on_path.contains(item.text) {
                let cycle = path.iter().map(|(name, _)| *name).skip_while(|it| *it != item.text);
                let names = cycle.chain([item.text]);
                let cycle = names.collect::<Vec<_>>().join(" -> ");
                let message = format!("{cycle} is a cycle: none of them could be the first");
                place.table.error_at(item.at, KEY, message);
            } else {
                path.push((item.text, 0));
            }
        }
    }
}

fn is_good(place: &Place<'_>, item: Item<'_>, kinds: &Kinds<'_>) -> bool {
    let flaw = match kinds.get(item.text) {
        _ if item.text == place.name => "a service cannot depend on itself".to_owned(),
        Some(Kind::Service) => return true,
        Some(Kind::Task) => "is a task; only services can be depended on".to_owned(),
        None => {
            let services = kinds.iter().filter(|(_, kind)| **kind == Kind::Service);
            let others = services.map(|(name, _)| *name).filter(|name| *name != place.name);
            let nearest = suggest::nearest(item.text, others);
            let advice = nearest.map(|near| format!("; did you mean {}?", quoted(near)));
            format!("there is no such service{}", advice.unwrap_or_default())
        }
    };
    place.table.error_at(item.at, KEY, format!("{}: {flaw}", quoted(item.text)));
    false
}
