import { code } from '../document.ts'
import { blockAsHtml } from '../html/blocks.ts'
import { sitePage } from './frame.ts'

/** A page that cannot be shown, and what to do. */
export const failurePage = (status: number, says: string, hint: string): string =>
  sitePage({
    title: status === 404 ? 'Not found' : status < 500 ? 'Refused' : 'It failed',
    window: `${status}: runbook`,
    look: 'failed',
    crumbs: [],
    main: [
      blockAsHtml({ kind: 'paragraph', text: says }),
      blockAsHtml({ kind: 'paragraph', text: ['Next: ', code(hint)] }),
    ],
  })
