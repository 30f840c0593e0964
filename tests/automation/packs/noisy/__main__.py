import time

print("loading rules ...")
time.sleep(600)
