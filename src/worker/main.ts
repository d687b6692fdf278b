// The program of the pool's child processes: does the tasks of the stages that are cut into tasks.
import { TASK_HANDLERS } from '../search/pipeline.js';
import { serveTasks } from './task-process.js';

serveTasks(TASK_HANDLERS);
