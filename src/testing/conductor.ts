import type { Conductor } from '../run/engine/conductor.ts'

/** Works on todos one after another, and on a group in parallel; draws nothing. */
export const plainConductor: Conductor = {
  async conduct(_, todos, work) {
    for (const todo of todos) {
      if (todo.do !== 'together') {
        if (!(await work(todo)).ok) return
        continue
      }
      const ended = await Promise.allSettled(
        todo.todos.map((one) =>
          one.do === 'together' ? Promise.reject(new TypeError('a group stands inside a group')) : work(one),
        ),
      )
      for (const one of ended) if (one.status === 'rejected') throw one.reason
      if (ended.some((one) => one.status === 'fulfilled' && !one.value.ok)) return
    }
  },
}
