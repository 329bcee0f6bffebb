/** Low-rank adapters (LoRA) on the linear layers of any model, in memory and in PEFT's files. */
package org.talespark.zoo.lora;
