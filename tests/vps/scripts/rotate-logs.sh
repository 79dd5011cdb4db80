# Sets the access log aside and compresses it; the newest five stay.
set -eu
cd weblogs
[ -s access.log ] || { echo "nothing to rotate" && exit 0; }
old=access-$(date +%s).log
mv access.log "$old"
gzip -f "$old"
ls -t access-*.log.gz | tail -n +6 | xargs -r rm --
