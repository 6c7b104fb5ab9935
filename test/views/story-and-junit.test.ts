import { describe, expect, it } from 'vitest'
import { recordOf } from '../../src/run/record/record.ts'
import { junitOf } from '../../src/views/junit.ts'
import { evidenceText } from '../../src/views/show.ts'
import { storyIndexOf, storyLine } from '../../src/views/storyline.ts'
import { badRun, dryRun, goodRun } from '../fixtures/runs.ts'
import { failed, intent, journalOf, planWith } from '../fixtures/told-run.ts'

describe('the one line that a story gets', () => {
  it('of each kind of run', () => {
    const lines = [goodRun(), badRun(), dryRun()].map(
      (run) => storyLine(recordOf(run), '../qa/3.10/2026-02-03 x/report.md').line,
    )
    expect(lines.join('\n')).toMatchInlineSnapshot(`
      "- 2026-02-03 04:12:00 UTC, \`full-db-rollback\` on \`shop\`, run \`20260203-041200-k7f3q\`: **succeeded**, RTO 3m 50s (objective 30m, met), downtime 52s, RPO 1h 2m 33s (objective 1d, met); [evidence](../qa/3.10/2026-02-03%20x/report.md)
      - 2026-02-03 04:12:00 UTC, \`full-db-rollback\` on \`shop\`, run \`20260203-041200-k7f3q\`: **needs a person**, RTO unknown (objective 30m), downtime 37s, RPO unknown (objective 1d); [evidence](../qa/3.10/2026-02-03%20x/report.md)
      - 2026-02-03 04:12:00 UTC, \`full-db-rollback\` on \`shop\`, run \`20260203-041200-k7f3q\`: **dry run, a real run would fail**; [evidence](../qa/3.10/2026-02-03%20x/report.md)"
    `)
  })

  it('begins with its key, so that it can be found again', () => {
    const { line, key } = storyLine(recordOf(goodRun()), 'report.md')
    expect(line.startsWith(key)).toBe(true)
    expect(key).toContain('20260203-041200-k7f3q')
    expect(storyLine(recordOf(badRun()), 'report.md').key).not.toBe(key)
  })
})

describe('the index of a story', () => {
  it('shows every run, and which of them verify', () => {
    const index = storyIndexOf('3.10', [
      { folder: '2026-02-03-b', record: recordOf(goodRun()), defects: [] },
      {
        folder: '2026-02-03-a(1)|<b>',
        record: recordOf(badRun()),
        defects: ['report-differs (report.md)', 'signature-wrong'],
      },
      { folder: '2026-02-04-c', record: null, defects: ['file-missing (run.json)'] },
    ])
    expect(index).toMatchInlineSnapshot(`
      "# Recovery evidence of story 3.10

      3 runs, 1 verified, **2 not verified**.

      | When | Runbook | Target | Result | RTO | Downtime | RPO | Evidence | Verified |
      | --- | --- | --- | --- | --- | --- | --- | --- | --- |
      | 2026-02-03 04:12:00 UTC | \`full-db-rollback\` | \`shop\` | needs a person |  | 37s |  | [2026-02-03-a(1)\\|&lt;b&gt;](2026-02-03-a%281%29%7C%3Cb%3E/report.md) | **not verified**: \`report-differs (report.md); signature-wrong\` |
      | 2026-02-03 04:12:00 UTC | \`full-db-rollback\` | \`shop\` | succeeded | 3m 50s, met | 52s | 1h 2m 33s, met | [2026-02-03-b](2026-02-03-b/report.md) | verified |
      |  |  |  | unreadable |  |  |  | [2026-02-04-c](2026-02-04-c/report.md) | **not verified**: \`file-missing (run.json)\` |
      "
    `)
  })
})

describe('junit.xml', () => {
  it('of a run that failed', () => {
    expect(junitOf(recordOf(badRun()))).toMatchInlineSnapshot(`
      "<?xml version="1.0" encoding="UTF-8"?>
      <testsuites name="full-db-rollback on shop: needs a person" tests="13" failures="2" errors="0" skipped="3">
        <testsuite name="full-db-rollback.findings" timestamp="2026-02-03T04:12:00" tests="1" failures="0" errors="0" skipped="0">
          <properties>
            <property name="run" value="20260203-041200-k7f3q"/>
            <property name="mode" value="run"/>
            <property name="target" value="shop"/>
            <property name="by" value="ada"/>
            <property name="story" value="3.10"/>
            <property name="exit" value="11"/>
            <property name="rto.objectiveSeconds" value="1800"/>
            <property name="rto.verdict" value="unknown"/>
            <property name="downtime.seconds" value="37"/>
            <property name="downtime.verdict" value="no objective"/>
            <property name="rpo.objectiveSeconds" value="86400"/>
            <property name="rpo.verdict" value="unknown"/>
          </properties>
          <testcase classname="full-db-rollback.findings" name="Free space: 91 % is used">
            <system-err><![CDATA[91 % is used
      make room]]></system-err>
          </testcase>
        </testsuite>
        <testsuite name="full-db-rollback.steps" timestamp="2026-02-03T04:12:00" tests="9" failures="1" errors="0" skipped="3">
          <properties>
            <property name="run" value="20260203-041200-k7f3q"/>
            <property name="mode" value="run"/>
            <property name="target" value="shop"/>
            <property name="by" value="ada"/>
            <property name="story" value="3.10"/>
            <property name="exit" value="11"/>
            <property name="rto.objectiveSeconds" value="1800"/>
            <property name="rto.verdict" value="unknown"/>
            <property name="downtime.seconds" value="37"/>
            <property name="downtime.verdict" value="no objective"/>
            <property name="rpo.objectiveSeconds" value="86400"/>
            <property name="rpo.verdict" value="unknown"/>
          </properties>
          <testcase classname="full-db-rollback.choose-and-verify-the-dump" name="Choose and verify the dump" time="1.5">
            <system-out><![CDATA[Choose and verify the dump.]]></system-out>
          </testcase>
          <testcase classname="full-db-rollback.ask-the-operator" name="Ask the operator" time="27">
            <system-out><![CDATA[Ask the operator.]]></system-out>
          </testcase>
          <testcase classname="full-db-rollback.restore-beside-the-live-database" name="Restore beside the live database" time="120">
            <system-out><![CDATA[Restore beside the live database.
      log: logs/03-restore-beside.log]]></system-out>
          </testcase>
          <testcase classname="full-db-rollback.stop-writers" name="Stop writers" time="7">
            <system-out><![CDATA[Stop writers.]]></system-out>
          </testcase>
          <testcase classname="full-db-rollback.swap-the-restored-database-in" name="Swap the restored database in" time="1.5">
            <failure message="database is locked" type="failed"/>
            <system-out><![CDATA[Swap the restored database in.]]></system-out>
            <system-err><![CDATA[look at the server]]></system-err>
          </testcase>
          <testcase classname="full-db-rollback.start-writers" name="Start writers" time="0">
            <skipped/>
            <system-out><![CDATA[Start writers.]]></system-out>
          </testcase>
          <testcase classname="full-db-rollback.check-health" name="Check health" time="0">
            <skipped/>
            <system-out><![CDATA[Check health.]]></system-out>
          </testcase>
          <testcase classname="full-db-rollback.drop-the-old-copy" name="Drop the old copy" time="0">
            <skipped/>
            <system-out><![CDATA[Drop the old copy.]]></system-out>
          </testcase>
          <testcase classname="full-db-rollback.log-the-result" name="Log the result" time="1.5">
            <system-out><![CDATA[Log the result.]]></system-out>
          </testcase>
        </testsuite>
        <testsuite name="full-db-rollback.undo" timestamp="2026-02-03T04:12:00" tests="3" failures="1" errors="0" skipped="0">
          <properties>
            <property name="run" value="20260203-041200-k7f3q"/>
            <property name="mode" value="run"/>
            <property name="target" value="shop"/>
            <property name="by" value="ada"/>
            <property name="story" value="3.10"/>
            <property name="exit" value="11"/>
            <property name="rto.objectiveSeconds" value="1800"/>
            <property name="rto.verdict" value="unknown"/>
            <property name="downtime.seconds" value="37"/>
            <property name="downtime.verdict" value="no objective"/>
            <property name="rpo.objectiveSeconds" value="86400"/>
            <property name="rpo.verdict" value="unknown"/>
          </properties>
          <testcase classname="full-db-rollback.swap-the-restored-database-in" name="Undo of Swap the restored database in" time="0.9"/>
          <testcase classname="full-db-rollback.stop-writers" name="Undo of Stop writers" time="0.9"/>
          <testcase classname="full-db-rollback.restore-beside-the-live-database" name="Undo of Restore beside the live database" time="0.9">
            <failure message="DROP DATABASE: in use" type="failed"/>
            <system-err><![CDATA[end its sessions]]></system-err>
          </testcase>
        </testsuite>
      </testsuites>"
    `)
  })

  it('of a dry run that found a reason not to start', () => {
    expect(junitOf(recordOf(dryRun()))).toMatchInlineSnapshot(`
      "<?xml version="1.0" encoding="UTF-8"?>
      <testsuites name="full-db-rollback on shop: dry run, a real run would fail" tests="10" failures="1" errors="0" skipped="7">
        <testsuite name="full-db-rollback.findings" timestamp="2026-02-03T04:12:00" tests="1" failures="1" errors="0" skipped="0">
          <properties>
            <property name="run" value="20260203-041200-k7f3q"/>
            <property name="mode" value="dry-run"/>
            <property name="target" value="shop"/>
            <property name="by" value="ada"/>
            <property name="story" value="3.10"/>
            <property name="exit" value="10"/>
          </properties>
          <testcase classname="full-db-rollback.findings" name="Dump: it is older than the deployment">
            <failure message="it is older than the deployment" type="refuse"/>
            <system-err><![CDATA[choose another]]></system-err>
          </testcase>
        </testsuite>
        <testsuite name="full-db-rollback.steps" timestamp="2026-02-03T04:12:00" tests="9" failures="0" errors="0" skipped="7">
          <properties>
            <property name="run" value="20260203-041200-k7f3q"/>
            <property name="mode" value="dry-run"/>
            <property name="target" value="shop"/>
            <property name="by" value="ada"/>
            <property name="story" value="3.10"/>
            <property name="exit" value="10"/>
          </properties>
          <testcase classname="full-db-rollback.choose-and-verify-the-dump" name="Choose and verify the dump" time="0">
            <system-out><![CDATA[Choose and verify the dump.]]></system-out>
          </testcase>
          <testcase classname="full-db-rollback.ask-the-operator" name="Ask the operator" time="0">
            <skipped/>
            <system-out><![CDATA[Ask the operator.]]></system-out>
          </testcase>
          <testcase classname="full-db-rollback.restore-beside-the-live-database" name="Restore beside the live database" time="0">
            <skipped/>
            <system-out><![CDATA[Restore beside the live database.]]></system-out>
          </testcase>
          <testcase classname="full-db-rollback.stop-writers" name="Stop writers" time="0">
            <system-out><![CDATA[Stop writers.]]></system-out>
          </testcase>
          <testcase classname="full-db-rollback.swap-the-restored-database-in" name="Swap the restored database in" time="0">
            <skipped/>
            <system-out><![CDATA[Swap the restored database in.]]></system-out>
          </testcase>
          <testcase classname="full-db-rollback.start-writers" name="Start writers" time="0">
            <skipped/>
            <system-out><![CDATA[Start writers.]]></system-out>
          </testcase>
          <testcase classname="full-db-rollback.check-health" name="Check health" time="0">
            <skipped/>
            <system-out><![CDATA[Check health.]]></system-out>
          </testcase>
          <testcase classname="full-db-rollback.drop-the-old-copy" name="Drop the old copy" time="0">
            <skipped/>
            <system-out><![CDATA[Drop the old copy.]]></system-out>
          </testcase>
          <testcase classname="full-db-rollback.log-the-result" name="Log the result" time="0">
            <skipped/>
            <system-out><![CDATA[Log the result.]]></system-out>
          </testcase>
        </testsuite>
      </testsuites>"
    `)
  })

  it('is well-formed whatever a step says', () => {
    const text = ']]> <x a="1"> & \u0000 \u001b[31m \ud800 \ufffe'
    const xml = junitOf(
      recordOf(
        journalOf(planWith([{ title: 'Stop', says: text }]), [
          [1, intent('Stop')],
          [2, failed('Stop', text)],
        ]),
      ),
    )
    // oxlint-disable-next-line no-control-regex
    expect(xml).not.toMatch(/[\0-\x08\x0b-\x1f\ufffe\p{Surrogate}]/u)
    expect(xml.replaceAll(/<!\[CDATA\[.*?\]\]>/gs, '')).not.toMatch(/<x|&(?!amp;|lt;|gt;|quot;|apos;|#)/)
  })
})

describe('evidence on a terminal', () => {
  it('shows logs as text, and says how much it leaves out', () => {
    const shown = evidenceText(recordOf(goodRun()), [
      {
        file: 'logs/01-a.log',
        bytes: 100,
        tail: Buffer.from([0x1b, 0x5b, 0x33, 0x31, 0x6d, 0xff, 0xc3, 0xa9, 0x0d, 0x0a, 0x09, 0xe2, 0x82]),
      },
    ])
    expect(shown.slice(shown.indexOf('---  logs') + shown.indexOf('--- logs')))
      .toContain(String.raw`--- logs/01-a.log ---
(87 earlier bytes are not shown)
\u001b[31m\xffé
	\xe2\x82
`)
  })
})
