# Copies the database while others write to it, and keeps the newest three copies.
set -eu
mkdir -p backups
copy=backups/shop-$(date +%s).db
sqlite3 shop.db ".timeout 5000" ".backup '$copy'"
gzip -f "$copy"
ls -t backups/shop-*.db.gz | tail -n +4 | xargs -r rm --
echo "kept $(ls backups/shop-*.db.gz | wc -l)"
