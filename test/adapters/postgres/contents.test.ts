import { expect, test } from 'vitest'
import { needsReader, tablesIn } from '../../../src/adapters/postgres/archive/contents.ts'

test('tables with data are those of the list', () => {
  const list = `;
; Archive created at 2026-11-21 09:26:14 UTC
217; 1259 16397 TABLE public orders joe
3400; 0 16397 TABLE DATA till re ceipts joe
3399; 0 16391 TABLE DATA public orders joe
3401; 0 16399 SEQUENCE SET public orders_id_seq joe
`
  expect(tablesIn(list)).toEqual(['public.orders', 'till.re ceipts'])
})

test('what a dump needs is read from entries of the right kind alone', () => {
  const reader = needsReader()
  const text = `--
-- Name: Till 1; Type: SCHEMA; Schema: -; Owner: Night shift
--
CREATE SCHEMA "Till 1";
-- Name: pg_trgm; Type: EXTENSION; Schema: -; Owner: -
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;
-- Name: EXTENSION pg_trgm; Type: COMMENT; Schema: -; Owner:${' '}
-- Name: f(); Type: FUNCTION; Schema: public; Owner: joe
CREATE FUNCTION public.f() RETURNS integer
GRANT SELECT ON TABLE x TO not_a_role;
CREATE EXTENSION nor_an_extension;
-- Name: TABLE orders; Type: ACL; Schema: public; Owner: joe
REVOKE ALL ON TABLE public.orders FROM joe;
GRANT SELECT,INSERT ON TABLE public.orders TO "rea ""der" WITH GRANT OPTION;
GRANT SELECT(id) ON TABLE public.orders TO PUBLIC;
-- Name: DEFAULT PRIVILEGES FOR TABLES; Type: DEFAULT ACL; Schema: -; Owner: joe
ALTER DEFAULT PRIVILEGES FOR ROLE joe GRANT SELECT ON TABLES  TO auditor;
-- Name: orders p; Type: POLICY; Schema: public; Owner: joe
CREATE POLICY p ON public.orders AS RESTRICTIVE FOR SELECT TO clerk, "night guard" USING ((id > 0));
-- Name: uuid-ossp; Type: EXTENSION; Schema: -; Owner: -
CREATE EXTENSION IF NOT EXISTS "uuid-ossp" WITH SCHEMA public;`
  for (const line of text.split('\n')) reader.line(line)
  expect(reader.needs()).toEqual({
    owners: ['Night shift', 'joe'],
    grantees: ['auditor', 'clerk', 'night guard', 'rea "der'],
    extensions: ['pg_trgm', 'uuid-ossp'],
  })
})
