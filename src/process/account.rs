//! Who a process is to be: `user` of a job, looked up in the account files of the host. A static
//! program has no name services of the C library, so what only they know is not found here, and
//! can be given as numbers.

use std::fs;
use std::path::{Path, PathBuf};

use crate::model::process::RunAs;
use crate::sys::child::User;
use crate::sys::{error_text, peer};

const USERS: &str = "/etc/passwd";
const GROUPS: &str = "/etc/group";

/// What the process is told about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) home: Option<PathBuf>,
    /// What the process becomes; `None` is what the daemon is.
    pub(super) user: Option<User>,
}

/// The account of a job, or why nothing can run as it.
pub(super) fn of(run_as: &RunAs) -> Result<Account, String> {
    let RunAs { user, group } = run_as;
    let account = find(run_as, &read(USERS)?, &read(GROUPS)?).map_err(|(kind, file)| {
        let name = if kind == "user" { user } else { group.as_ref().unwrap_or(user) };
        format!("cannot run as user {user:?}: there is no {kind} {name:?} in {file}")
    })?;
    let own = peer::own_user();
    let is_own = group.is_none() && account.user.as_ref().is_some_and(|user| user.uid == own);
    match (own, is_own) {
        (0, _) => Ok(account),
        (_, true) => Ok(Account { user: None, ..account }),
        (_, false) => Err(format!("cannot run as user {user:?}: only a daemon that is root can")),
    }
}

/// The daemon's own, as far as it is known.
pub(super) fn own() -> Option<Account> {
    let users = read(USERS).ok()?;
    let own = peer::own_user().to_string();
    let entry = lines(&users).find(|entry| entry.get(2) == Some(&own.as_str()))?;
    Some(Account { name: entry[0].to_owned(), home: home(&entry), user: None })
}

/// The error is what was not found, and where.
fn find(
    run_as: &RunAs,
    users: &str,
    groups: &str,
) -> Result<Account, (&'static str, &'static str)> {
    let named = |name: &str| lines(users).find(|entry| entry[0] == name);
    let numbered = |number: &str| lines(users).find(|entry| entry.get(2) == Some(&number));
    let entry = named(&run_as.user).or_else(|| numbered(&run_as.user));
    let number = |entry: &Vec<&str>, place: usize| entry.get(place)?.parse::<u32>().ok();
    let uid = match &entry {
        Some(entry) => number(entry, 2),
        None => run_as.user.parse().ok(),
    };
    let uid = uid.ok_or(("user", USERS))?;
    let gid = match &run_as.group {
        Some(group) => {
            let named = lines(groups).find(|entry| entry[0] == group);
            let gid = named.and_then(|entry| number(&entry, 2)).or_else(|| group.parse().ok());
            gid.ok_or(("group", GROUPS))?
        }
        // A number without an entry has no group of its own.
        None => entry.as_ref().and_then(|entry| number(entry, 3)).ok_or(("user", USERS))?,
    };
    let name = entry.as_ref().map_or(run_as.user.as_str(), |entry| entry[0]);
    let is_member = |entry: &Vec<&str>| {
        entry.get(3).is_some_and(|members| members.split(',').any(|member| member == name))
    };
    let mut all = vec![gid];
    let further = lines(groups).filter(|entry| entry.len() > 3 && is_member(entry));
    all.extend(further.filter_map(|entry| number(&entry, 2)).filter(|group| *group != gid));
    let home = entry.as_ref().and_then(home);
    Ok(Account { name: name.to_owned(), home, user: Some(User { uid, gid, groups: all }) })
}

/// The entries of an account file, taken apart (passwd(5), group(5)).
fn lines(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().filter(|line| !line.starts_with('#')).map(|line| line.split(':').collect())
}

fn home(entry: &Vec<&str>) -> Option<PathBuf> {
    let home = entry.get(5).filter(|home| !home.is_empty())?;
    Some(Path::new(home).to_owned())
}

fn read(path: &str) -> Result<String, String> {
    let bytes = fs::read(path)
        .map_err(|error| format!("cannot look up users in {path}: {}", error_text(&error)))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOME_USERS: &str = "root:x:0:0:root:/root:/bin/sh\n# app:x:1:1::/:\n\
        app:x:1000:1000:App,,,:/srv/app:/bin/false\n77:x:1001:50::/home/digits:\nshort:x\n\
        bad:x:many:1::/:\n";
    const SOME_GROUPS: &str =
        "root:x:0:\nadm:x:4:syslog,app\napp:x:1000:app\nweb:x:33:app,77\nshort:x:9\nbad:x:y:app\n";

    fn found(user: &str, group: Option<&str>) -> Result<(String, User), &'static str> {
        let run_as = RunAs { user: user.to_owned(), group: group.map(str::to_owned) };
        let account = find(&run_as, SOME_USERS, SOME_GROUPS).map_err(|(kind, _)| kind)?;
        Ok((account.name, account.user.unwrap()))
    }

    #[test]
    fn users_and_groups_are_names_or_numbers() {
        let user = |name: &str, uid, gid, groups: &[u32]| {
            Ok((name.to_owned(), User { uid, gid, groups: groups.to_vec() }))
        };
        assert_eq!(found("app", None), user("app", 1000, 1000, &[1000, 4, 33]));
        assert_eq!(found("1000", None), user("app", 1000, 1000, &[1000, 4, 33]));
        assert_eq!(found("app", Some("adm")), user("app", 1000, 4, &[4, 1000, 33]));
        assert_eq!(found("root", Some("5")), user("root", 0, 5, &[5]));
        assert_eq!(found("77", None), user("77", 1001, 50, &[50, 33]));
        assert_eq!(found("88", Some("33")), user("88", 88, 33, &[33]));
        for name in ["88", "nobody", "short", "bad", "# app", "4294967296"] {
            assert_eq!(found(name, None), Err("user"), "{name}");
        }
        assert_eq!(found("app", Some("none")), Err("group"));
        assert_eq!(found("app", Some("bad")), Err("group"));
    }

    #[test]
    fn an_account_has_the_home_of_its_entry() {
        let run_as = |user: &str| RunAs { user: user.to_owned(), group: Some("0".to_owned()) };
        let home = |user| find(&run_as(user), SOME_USERS, SOME_GROUPS).unwrap().home;
        assert_eq!(home("app").as_deref(), Some(Path::new("/srv/app")));
        assert_eq!(home("88"), None);
    }
}
