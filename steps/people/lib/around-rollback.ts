import type { checklist } from './checklist.ts'

type Items = Parameters<typeof checklist>[1]

/** What people do before any kind of rollback; for `checklist`. @param system its title */
export const beforeRollback = (system: string): Items => [
  { name: 'reason', title: 'Document the reason', what: 'Say why this is done.', required: true },
  {
    name: 'stakeholders',
    title: 'Notify stakeholders',
    what: 'Notify the stakeholders, and say whom you notified.',
  },
  {
    name: 'traffic-off',
    title: 'Stop incoming traffic',
    what: `Take traffic off ${system} at the load balancer, and say how.`,
  },
]

/** What people do once the system answers again. @param system its title */
export const afterRollback = (system: string): Items => [
  { name: 'traffic-on', title: 'Restore traffic', what: `Route traffic to ${system} again, and say how.` },
  {
    name: 'root-cause',
    title: 'Investigate the root cause',
    what: 'Say who investigates the root cause, and where that is tracked.',
  },
]
