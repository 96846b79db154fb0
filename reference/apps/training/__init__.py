"""Training on the real data sets, watched: progress, curves, checkpoints, and looking at what a model has learned.

Given. The loops are yours (`simple_ml.epoch_general_cifar10`, `epoch_general_ptb`, `evaluate_*`); what is here calls
them once an epoch, and sees every batch by way of the loss function it hands them. It uses only needle's public names.

    from apps.training import images, text
    run = images.train(images.Settings(epochs=10))
    images.curves(run)

`apps/train.py` is the same as a command.
"""
