// Everything that somebody who operates a host has to do with: parameters, instances in every
// state, a configuration that changes.

export const toml = `
[daemon]
include = ["conf.d/*.toml"]

[scheduler]
timezone = "Europe/Prague"

[defaults]
restart_delay    = "100ms"
restart_backoff  = "constant"
restart_attempts = 1

[tasks.deploy]
group       = "Shop"
description = "Put a release of the shop in the place of the one that runs"
run         = '''
echo "releasing to $TARGET: $*"
'''

[[tasks.deploy.params]]
env         = "TARGET"
choices     = ["staging", "live"]
default     = "staging"
description = "Where the release goes"

[[tasks.deploy.params]]
option       = "--branch="
choices      = ["main", "stable"]
allow_custom = true
required     = true
description  = "Branch or tag, as git knows it"

[[tasks.deploy.params]]
option      = "--workers"
type        = "number"
default     = "4"

[[tasks.deploy.params]]
arg         = "note"
description = "Stands in the list of releases"

[[tasks.deploy.params]]
flag        = "--migrate"
description = "Bring the schema of the database up to date first"

[tasks.report]
group       = "Shop"
description = "What was sold yesterday"
cron        = "0 5 * * *"
jitter      = "10m"
run         = "true"

[services.web]
description = "The shop itself"
instances   = 3
depends_on  = ["cache"]
priority    = 10
healthy_after = "20s"
run         = "exec sleep 600"

[services.web.health_check]
run  = "true"
cron = "@every 1s"

[services.cache]
description   = "Keeps what is asked for often"
healthy_after = "1s"
run           = "exec sleep 600"

[services.mailer]
description   = "Sends what the shop has to say"
instances     = 2
healthy_after = "5s"
run           = '''
echo "cannot bind to port 25: permission denied" >&2
exit 1
'''
`;
