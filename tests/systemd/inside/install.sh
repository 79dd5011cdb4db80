# The install flow of docs/deployment.md, word for word, as far as the machine is concerned. Sourced.

cd "$(mktemp -d)"
tar -xzf /box/runwisp-linux-x64.tar.gz
check "the binary of the archive is executable for everybody" equal "$(stat -c %a runwisp)" 755
check "the binary needs no library of the host" \
    grep -qE 'statically linked|not a dynamic executable' <(ldd runwisp 2>&1)
echo "127.0.0.1 $(hostname)" >>/etc/hosts # which sudo looks up
sudo install -m 0755 runwisp /usr/local/bin/runwisp
check "the installed binary tells its version" grep -qE '^runwisp [0-9]' <(runwisp --version)

sudo useradd --system --home-dir /var/lib/runwisp --shell /usr/sbin/nologin runwisp
sudo install -d -o runwisp -g runwisp -m 0750 /var/lib/runwisp
sudo install -d -o root -g runwisp -m 0750 /etc/runwisp

check "init writes a configuration" sudo runwisp init --config /etc/runwisp/runwisp.toml
sudo chown root:runwisp /etc/runwisp/runwisp.toml && sudo chmod 0640 /etc/runwisp/runwisp.toml
check "the service user finds it valid" sudo -u runwisp runwisp validate --config /etc/runwisp/runwisp.toml
check "no password was made that the daemon would not use" not test -e data -o -e /var/lib/runwisp/password

sudo install -m 0644 systemd/runwisp.service /etc/systemd/system/runwisp.service
sudo install -D -m 0644 README.md /usr/local/share/doc/runwisp/README.md
sudo systemctl daemon-reload
check "systemd-analyze has nothing to say about the unit" \
    equal "$(systemd-analyze verify /etc/systemd/system/runwisp.service 2>&1)" ""
