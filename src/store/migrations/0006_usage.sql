-- What the process of a run took of the machine; NULL where nobody saw its end.
ALTER TABLE runs ADD COLUMN cpu_ms INTEGER;
ALTER TABLE runs ADD COLUMN peak_memory_bytes INTEGER;
ALTER TABLE deleted_runs ADD COLUMN cpu_ms INTEGER;
ALTER TABLE deleted_runs ADD COLUMN peak_memory_bytes INTEGER;
