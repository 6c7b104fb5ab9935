import { runbook } from '../src/index.ts'
import { checkHealth } from '../steps/http/check-health.ts'
import { checkMetrics } from '../steps/http/check-metrics.ts'
import { escalation } from '../steps/people/escalation.ts'
import { notifyOrAsk } from '../steps/people/lib/notify-or-ask.ts'
import { logResult } from '../steps/records/log-result.ts'
import { scanLogs } from '../steps/services/scan-logs.ts'

export default runbook(
  'post-rollback-validation',
  {
    title: 'Validation after a rollback',
    when: 'After any rollback, before the incident is closed: checks liveness, readiness, metrics and recent logs, then announces it and creates the follow-up ticket.',
    needs: ['health', 'metrics', 'logScan', 'operators'],
    params: {},
  },
  ({ target, step, pointOfNoReturn, lastly }) => {
    const { channel, announce, tracker, ticket, contacts, escalation: levels } = target.operators

    step('Check health', checkHealth({ checks: target.health }), {
      id: 'check-liveness-and-readiness',
    })
    step('Scrape the metrics', checkMetrics({ metrics: target.metrics }), {
      id: 'scrape-the-metrics',
      retry: { times: 3, delaySeconds: 2 },
    })
    step('Check the logs for errors', scanLogs({ scan: target.logScan }), { id: 'look-through-recent-logs' })
    pointOfNoReturn('An announcement cannot be taken back.')
    step(
      'Announce that the rollback is complete',
      notifyOrAsk({
        name: 'announce',
        hook: announce,
        text: `The rollback of ${target.title} is complete (${target.name}).`,
        what: `Announce in ${channel ?? 'the incident channel'} that the rollback is complete.`,
      }),
      { id: 'announce-that-the-rollback-is-complete', retry: { times: 3, delaySeconds: 2 } },
    )
    step(
      'Create a ticket for the forward fix',
      notifyOrAsk({
        name: 'ticket',
        hook: ticket,
        text: `Forward fix after the rollback of ${target.title} (${target.name}).`,
        what: `Create a follow-up ticket for the forward fix in ${tracker ?? 'the tracker'}, and give its number.`,
      }),
      { id: 'create-a-ticket-for-the-forward-fix', retry: { times: 3, delaySeconds: 2 } },
    )

    lastly('Print the escalation path', escalation({ levels, contacts }), { id: 'say-who-is-next' })
    lastly('Log the result', logResult({ checklist: target.checklist?.file ?? null, about: null }), {
      id: 'log-the-result',
    })
  },
)
