-- Rights on the tables of the state store, held by PostgreSQL itself: `psql -d optimizer -f ci/postgres/rights.sql`, as the owner of the
-- tables, after they were made (`optimizer run`, `plan` or `rights grant` makes them) and again after every update that adds one.
--
-- Nobody is let in by it. Give each person and each schedule a login, and put it into one of the groups:
--
--   CREATE ROLE "llm-optimizer" LOGIN PASSWORD '…' IN ROLE optimizer_runner;
--   CREATE ROLE ada LOGIN PASSWORD '…' IN ROLE optimizer_operator;
--
-- and then the same in the store, which knows more than tables: `optimizer rights grant database:ada operator --reason …`. Do not let
-- people in as the owner: an owner may do everything.
DO $$
DECLARE
    role_name text;
    table_name text;
BEGIN
    -- viewer: reads. runner: ticks. operator: what people do. admin: roles, imports, deletions.
    FOREACH role_name IN ARRAY ARRAY['optimizer_viewer', 'optimizer_runner', 'optimizer_operator', 'optimizer_admin'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
        END IF;
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), role_name);
    END LOOP;

    FOR table_name IN
        SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename LIKE 'optimizer\_%'
    LOOP
        -- What an earlier version of this file gave is taken back first.
        EXECUTE format('REVOKE ALL ON %I FROM PUBLIC, optimizer_viewer, optimizer_runner, optimizer_operator, optimizer_admin', table_name);
        EXECUTE format('GRANT SELECT ON %I TO optimizer_viewer, optimizer_runner, optimizer_operator, optimizer_admin', table_name);
        CASE table_name
            -- Made by whoever brings the tables up to date.
            WHEN 'optimizer_migrations' THEN NULL;
            -- Only ever added to.
            WHEN 'optimizer_audit' THEN
                EXECUTE format('GRANT INSERT ON %I TO optimizer_runner, optimizer_operator, optimizer_admin', table_name);
            -- One row each, which changes.
            WHEN 'optimizer_audit_head', 'optimizer_lease' THEN
                EXECUTE format('GRANT UPDATE ON %I TO optimizer_runner, optimizer_operator, optimizer_admin', table_name);
            WHEN 'optimizer_roles' THEN
                EXECUTE format('GRANT INSERT, UPDATE, DELETE ON %I TO optimizer_admin', table_name);
            ELSE
                EXECUTE format('GRANT INSERT, UPDATE ON %I TO optimizer_runner, optimizer_operator, optimizer_admin', table_name);
                -- `state gc` deletes what it has archived.
                EXECUTE format('GRANT DELETE ON %I TO optimizer_admin', table_name);
        END CASE;
    END LOOP;
END
$$;

-- `optimizer baseline delete`
GRANT DELETE ON optimizer_baselines TO optimizer_operator;
-- Slots that have outlived their time.
GRANT DELETE ON optimizer_history TO optimizer_runner;

-- And the owner does not change what was done either, short of taking this away, which is a deed of its own in the server's log.
CREATE OR REPLACE FUNCTION optimizer_audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is only added to' USING ERRCODE = 'insufficient_privilege';
END
$$;
DROP TRIGGER IF EXISTS optimizer_audit_only_grows ON optimizer_audit;
CREATE TRIGGER optimizer_audit_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON optimizer_audit
    FOR EACH STATEMENT EXECUTE FUNCTION optimizer_audit_only_grows();
