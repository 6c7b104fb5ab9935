import { expect, test } from 'vitest'
import { metricsText, protectionMetrics } from '../../src/views/metrics.ts'
import { hostile } from '../fixtures/hostile.ts'
import { protection } from './site/shown.ts'

test('each metric is described once, with all of its samples', () => {
  const gauges = [{ name: 'runs', help: 'Runs.', value: 1, labels: { runbook: 'a' } }]
  const text = protectionMetrics(
    [
      { ...protection, gauges },
      { ...protection, target: 'other', gauges },
    ],
    new Date('2026-02-03T05:00:00.900Z'),
  )
  expect(text)
    .toBe(`# HELP runbook_protection_last_look_timestamp_seconds When backups, drills and runs were last looked at.
# TYPE runbook_protection_last_look_timestamp_seconds gauge
runbook_protection_last_look_timestamp_seconds 1770094800
# HELP runbook_runs Runs.
# TYPE runbook_runs gauge
runbook_runs{target="shop",runbook="a"} 1
runbook_runs{target="other",runbook="a"} 1
`)
})

test('a label cannot add a line or end its own quotes', () => {
  const name = `${hostile.join(' ')}"} 1\n\\`
  const text = metricsText([{ target: name, gauge: { name: 'x', help: 'X.', value: 1 } }])
  const lines = text.split('\n')
  expect(lines).toHaveLength(4)
  expect(lines[2]).toMatch(/^runbook_x\{target="(?:[^"\\]|\\["\\n])*"\} 1$/)
})
