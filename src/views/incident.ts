import type { Incident, Moment, TargetIncident } from '../run/record/incident.ts'
import type { Measure } from '../run/record/measures.ts'
import { duration, moment } from './amounts.ts'
import {
  code,
  literal,
  paragraph,
  strong,
  table,
  type Block,
  type Document,
  type Inline,
} from './document.ts'
import { happened } from './report/words.ts'
import { runsTable, type StoryRun } from './storyline.ts'

/** What happened in an incident, over all its runs. */
export function incidentDocument(
  name: string,
  incident: Incident,
  runs: readonly StoryRun[],
  report: string,
): Document {
  return {
    title: ['Incident: ', name],
    lead: [paragraph(alarmLine(incident)), ...measures(incident.targets), ...runsTable(runs, report)],
    sections: [{ title: 'What happened', blocks: moments(incident) }],
  }
}

function alarmLine({ alarm, alarmFrom }: Incident): Inline {
  if (alarm === null)
    return ['The time of the alarm is ', strong('unknown'), ', so recovery times from it are, too.']
  const from = alarmFrom === 'given' ? '.' : ', the earliest --bad-since of its runs.'
  return ['The alarm was at ', moment(alarm), literal(from)]
}

function measures(targets: readonly TargetIncident[]): readonly Block[] {
  if (targets.length === 0)
    return [paragraph('No run with verified evidence took a service down or brought one up.')]
  const rows = targets.map(({ target, upAt, rto, downtime }): readonly Inline[] => [
    code(target),
    measured(rto),
    rto.objectiveSeconds === null ? 'none' : duration(rto.objectiveSeconds),
    rto.verdict === 'missed' ? strong('missed') : rto.verdict,
    upAt === null ? 'unknown' : moment(upAt),
    measured(downtime),
  ])
  return [
    table(
      ['Target', 'Recovery time (RTO) from the alarm', 'Objective', 'Verdict', 'Up again', 'Downtime'],
      rows,
    ),
  ]
}

const measured = ({ seconds, why }: Measure): string =>
  seconds === null ? `unknown: ${why ?? ''}` : duration(seconds)

const words: { readonly [W in Moment['what']]: Inline } = {
  ...happened,
  alarm: strong('Alarm'),
  started: 'Run started',
  down: strong('Service down'),
  up: strong('Service up'),
  approved: 'Answered',
  ended: 'Run ended',
}

function moments({ moments: all, alarm }: Incident): readonly Block[] {
  const rows = all.map(({ at, run, what, says }): readonly Inline[] => [
    moment(at),
    alarm === null ? '' : fromAlarm(at, alarm),
    words[what],
    says === '' ? '' : code(says),
    run === null ? '' : code(run),
  ])
  return rows.length === 0 ? [] : [table(['When', 'From the alarm', 'What', 'Details', 'Run'], rows)]
}

function fromAlarm(at: string, alarm: string): Inline {
  const seconds = (Date.parse(at) - Date.parse(alarm)) / 1000
  return seconds === 0 ? '' : literal(`${seconds < 0 ? '-' : '+'}${duration(Math.abs(seconds))}`)
}
